import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { statementBytes, toBase64url, type VerifySignature } from '@medledger/chaincode/domain';
import { verify as verifyWithNode, createPublicKey } from 'node:crypto';

export interface SampleKey {
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, base64url. */
  readonly signingKey: string;
}

export function newKey(): SampleKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return { privateKey, signingKey: toBase64url(publicKey.export({ type: 'spki', format: 'der' })) };
}

/** r ‖ s over SHA-256, base64url. */
export function signBytes(key: SampleKey, bytes: Uint8Array): string {
  return toBase64url(sign('sha256', bytes, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }));
}

export function signText(key: SampleKey, text: string): { text: string; signature: string } {
  return { text, signature: signBytes(key, statementBytes(text)) };
}

/** OpenSSL, without anything of the product: what the rules are told to verify with. */
export const opensslVerify: VerifySignature = ({ publicKeySpki, bytes, signature }) => {
  const key = createPublicKey({ key: Buffer.from(publicKeySpki), format: 'der', type: 'spki' });
  return verifyWithNode('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
};
