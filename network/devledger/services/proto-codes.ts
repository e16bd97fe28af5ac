import { common, peer } from '@hyperledger/fabric-protos';

type ValidationCode = peer.TxValidationCodeMap[keyof peer.TxValidationCodeMap];
type HeaderType = common.HeaderTypeMap[keyof common.HeaderTypeMap];

/** A stored code as the enumeration value the messages take; one that Fabric does not know is INVALID_OTHER_REASON. */
export function parseValidationCode(value: number): ValidationCode {
  return (
    Object.values(peer.TxValidationCode).find((code) => code === value) ?? peer.TxValidationCode.INVALID_OTHER_REASON
  );
}

/** A header type as the enumeration value the messages take; one that Fabric does not know is MESSAGE. */
export function parseHeaderType(value: number): HeaderType {
  return Object.values(common.HeaderType).find((type) => type === value) ?? common.HeaderType.MESSAGE;
}
