import {
  createCipheriv,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  type KeyObject,
} from 'node:crypto';

// RFC 9180 base mode for DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM, sender's side only and with a
// given ephemeral key: a second opinion for the tests, written from the RFC on node:crypto.
const KEM_SUITE = Buffer.from('4b454d0020', 'hex');
const HPKE_SUITE = Buffer.from('48504b45002000010002', 'hex');

export function referenceSender(input: { ikmE: Buffer; publicKey: Buffer; info: Buffer }) {
  const ephemeral = deriveKeyPair(input.ikmE);
  const dh = diffieHellman({ privateKey: ephemeral, publicKey: publicKeyObject(input.publicKey) });
  const enc = rawPublic(ephemeral);
  const eaePrk = extract(KEM_SUITE, Buffer.alloc(0), 'eae_prk', dh);
  const shared = expand(KEM_SUITE, eaePrk, 'shared_secret', Buffer.concat([enc, input.publicKey]), 32);
  const pskIdHash = extract(HPKE_SUITE, Buffer.alloc(0), 'psk_id_hash', Buffer.alloc(0));
  const infoHash = extract(HPKE_SUITE, Buffer.alloc(0), 'info_hash', input.info);
  const schedule = Buffer.concat([Buffer.of(0), pskIdHash, infoHash]);
  const secret = extract(HPKE_SUITE, shared, 'secret', Buffer.alloc(0));
  const key = expand(HPKE_SUITE, secret, 'key', schedule, 32);
  const baseNonce = expand(HPKE_SUITE, secret, 'base_nonce', schedule, 12);
  let sequence = 0;
  return {
    enc,
    seal(aad: Buffer, plaintext: Buffer): Buffer {
      const nonce = Buffer.from(baseNonce);
      nonce.writeUInt32BE((nonce.readUInt32BE(8) ^ sequence) >>> 0, 8);
      sequence += 1;
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(aad);
      return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
    },
  };
}

/** A pseudo-random run of (aad, plaintext) pairs out of SHAKE128 of nothing: each a length byte and so many bytes. */
export function drawnPairs(count: number): { aad: Buffer; plaintext: Buffer }[] {
  const stream = createHash('shake128', { outputLength: 600 * count }).digest();
  let offset = 0;
  const draw = () => {
    const sizeBytes = stream[offset] ?? 0;
    offset += 1 + sizeBytes;
    return stream.subarray(offset - sizeBytes, offset);
  };
  return Array.from({ length: count }, () => ({ aad: draw(), plaintext: draw() }));
}

function deriveKeyPair(ikm: Buffer): KeyObject {
  const dkpPrk = extract(KEM_SUITE, Buffer.alloc(0), 'dkp_prk', ikm);
  const raw = expand(KEM_SUITE, dkpPrk, 'sk', Buffer.alloc(0), 32);
  const pkcs8 = Buffer.concat([Buffer.from('302e020100300506032b656e04220420', 'hex'), raw]);
  return createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
}

function extract(suite: Buffer, salt: Buffer, label: string, ikm: Buffer): Buffer {
  return createHmac('sha256', salt).update('HPKE-v1').update(suite).update(label).update(ikm).digest();
}

function expand(suite: Buffer, prk: Buffer, label: string, info: Buffer, sizeBytes: number): Buffer {
  const size = Buffer.alloc(2);
  size.writeUInt16BE(sizeBytes);
  const labeled = Buffer.concat([size, Buffer.from('HPKE-v1'), suite, Buffer.from(label), info, Buffer.of(1)]);
  return createHmac('sha256', prk).update(labeled).digest().subarray(0, sizeBytes);
}

function publicKeyObject(raw: Buffer): KeyObject {
  const spki = Buffer.concat([Buffer.from('302a300506032b656e032100', 'hex'), raw]);
  return createPublicKey({ key: spki, format: 'der', type: 'spki' });
}

function rawPublic(privateKey: KeyObject): Buffer {
  return createPublicKey(privateKey).export({ format: 'der', type: 'spki' }).subarray(-32);
}
