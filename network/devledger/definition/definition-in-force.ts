import type { common } from '@hyperledger/fabric-protos';
import type { ChaincodeDefinition } from '../commit/chaincode-definition.js';

/** A definition before it is known when it begins to count. */
export interface SignatureDefinition extends ChaincodeDefinition {
  readonly endorsementPolicy: common.SignaturePolicyEnvelope;
}

/** A definition and since when it counts. */
export interface DefinitionInForce extends SignatureDefinition {
  readonly fromBlock: number;
}

/** Whether two definitions ask for the same, whatever their sequence. */
export function sameTerms(left: SignatureDefinition, right: SignatureDefinition): boolean {
  return (
    left.name === right.name &&
    left.version === right.version &&
    left.initRequired === right.initRequired &&
    sameBytes(left.endorsementPolicy, right.endorsementPolicy) &&
    sameBytes(left.collections, right.collections)
  );
}

interface Message {
  serializeBinary(): Uint8Array;
}

function sameBytes(left: Message | undefined, right: Message | undefined): boolean {
  const none = new Uint8Array();
  return Buffer.compare(left?.serializeBinary() ?? none, right?.serializeBinary() ?? none) === 0;
}
