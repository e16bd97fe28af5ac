import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { fromBase64url, toBase64url, type VerifySignature } from '../domain/index.js';
import { memo } from './memo.js';

const KEYS_REMEMBERED_MAX = 1000;

/** Importing a key costs as much as verifying with it. `unusable`: these bytes are no P-256 key. */
const keyOf = memo<KeyObject | 'unusable'>((spki) => {
  try {
    const key = createPublicKey({ key: Buffer.from(fromBase64url(spki)), format: 'der', type: 'spki' });
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : 'unusable';
  } catch {
    return 'unusable';
  }
}, KEYS_REMEMBERED_MAX);

/** ECDSA P-256 over SHA-256 with OpenSSL; a key that cannot be used signed nothing. */
export const verifySignature: VerifySignature = ({ publicKeySpki, bytes, signature }) => {
  const key = keyOf(toBase64url(publicKeySpki));
  return key !== 'unusable' && verify('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }, signature);
};
