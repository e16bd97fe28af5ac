/**
 * Attributes of a Fabric identity, kept in a certificate extension as JSON `{"attrs":{name: value}}`.
 *
 * @see https://github.com/hyperledger/fabric-ca/blob/main/lib/attrmgr (AttrOID, Attributes)
 */
export const FABRIC_ATTRIBUTES_OID = '1.2.3.4.5.6.7.8.1';

export type FabricAttributes = Readonly<Record<string, string>>;

export function encodeFabricAttributes(attributes: FabricAttributes): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ attrs: attributes }));
}
