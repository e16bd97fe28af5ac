import { createPrivateKey, createPublicKey, diffieHellman, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { signDer, signP1363 } from './signatures.js';

/** A member's two key pairs. Private keys stay inside KeyObjects, which neither JSON nor a log line can print. */
export interface MemberKeys {
  /** P-256: the member's Fabric identity and statements. */
  readonly signingKey: KeyObject;
  /** X25519: what is sealed to the member. */
  readonly encryptionKey: KeyObject;
  /** SubjectPublicKeyInfo, DER. */
  readonly signingPublicKeySpki: Uint8Array;
  /** 32 bytes. */
  readonly encryptionPublicKey: Uint8Array;
}

/** What everybody may know of a member at this gateway. */
export interface MemberCard {
  readonly memberId: string;
  readonly role: string;
  /** Staff act for an agency; patients for none. */
  readonly agencyId?: string;
  readonly mspId: string;
  readonly certificatePem: string;
}

/** A member who has signed in: what the member's keys can do, without the keys. */
export interface UnlockedIdentity extends MemberCard {
  /** SubjectPublicKeyInfo, DER. */
  readonly signingPublicKeySpki: Uint8Array;
  /** X25519, 32 bytes. */
  readonly encryptionPublicKey: Uint8Array;
  /**
   * Signer of @hyperledger/fabric-gateway. It takes the whole message and hashes it with SHA-256 itself: connect with
   * `hash: hash.none`, or the message is hashed twice and no peer accepts the signature. (Node signs no bare digests.)
   *
   * @returns ASN.1 DER, low-S
   */
  readonly sign: (message: Uint8Array) => Promise<Uint8Array>;
  /**
   * ECDSA with SHA-256 over the canonical bytes of a statement.
   *
   * @returns 64 bytes, r then s (IEEE P1363), low-S
   */
  readonly signStatement: (bytes: Uint8Array) => Promise<Uint8Array>;
  /**
   * X25519 with somebody's public key of 32 bytes.
   *
   * @throws Error for another length, and for a point of low order, whose result would be all zeros
   */
  readonly deriveShared: (publicKey: Uint8Array) => Promise<Uint8Array>;
  /** The 32 bytes that HPKE opens with. Use them and let go of them: they outlive the session otherwise. */
  readonly encryptionPrivateKey: () => Uint8Array;
}

const X25519_BYTES = 32;
/** Everything before the raw key in the DER forms (RFC 8410 sections 4 and 7). */
const X25519_SPKI_PREFIX = Buffer.from('302a300506032b656e032100', 'hex');
const X25519_PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

export function generateMemberKeys(): MemberKeys {
  const signing = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const encryption = generateKeyPairSync('x25519');
  return keysOf(signing.privateKey, encryption.privateKey);
}

/** Both private keys in one piece, to be sealed: 32 bytes X25519, then P-256 in PKCS#8 DER. */
export function packPrivateKeys(keys: MemberKeys): Uint8Array {
  const signing = keys.signingKey.export({ type: 'pkcs8', format: 'der' });
  return Buffer.concat([rawEncryptionKey(keys.encryptionKey), signing]);
}

/** @throws Error when the bytes are not what packPrivateKeys gave */
export function unpackPrivateKeys(packed: Uint8Array): MemberKeys {
  const bytes = Buffer.from(packed);
  const encryption = Buffer.concat([X25519_PKCS8_PREFIX, bytes.subarray(0, X25519_BYTES)]);
  return keysOf(
    createPrivateKey({ key: bytes.subarray(X25519_BYTES), format: 'der', type: 'pkcs8' }),
    createPrivateKey({ key: encryption, format: 'der', type: 'pkcs8' }),
  );
}

export function unlockedIdentity(card: MemberCard, keys: MemberKeys): UnlockedIdentity {
  const { signingKey, encryptionKey, signingPublicKeySpki, encryptionPublicKey } = keys;
  return {
    ...card,
    signingPublicKeySpki,
    encryptionPublicKey,
    sign: async (message) => signDer(signingKey, message),
    signStatement: async (bytes) => signP1363(signingKey, bytes),
    deriveShared: async (publicKey) => sharedSecret(encryptionKey, publicKey),
    encryptionPrivateKey: () => rawEncryptionKey(encryptionKey),
  };
}

function sharedSecret(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  // OpenSSL reads the first 32 bytes and passes over what follows.
  if (publicKey.length !== X25519_BYTES) throw new RangeError(`an X25519 public key has ${X25519_BYTES} bytes`);
  const key = Buffer.concat([X25519_SPKI_PREFIX, publicKey]);
  return diffieHellman({ privateKey, publicKey: createPublicKey({ key, format: 'der', type: 'spki' }) });
}

function keysOf(signingKey: KeyObject, encryptionKey: KeyObject): MemberKeys {
  const encryptionSpki = publicSpki(encryptionKey);
  return {
    signingKey,
    encryptionKey,
    signingPublicKeySpki: publicSpki(signingKey),
    encryptionPublicKey: encryptionSpki.subarray(X25519_SPKI_PREFIX.length),
  };
}

function publicSpki(privateKey: KeyObject): Uint8Array {
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return new Uint8Array(createPublicKey(pem).export({ type: 'spki', format: 'der' }));
}

function rawEncryptionKey(encryptionKey: KeyObject): Uint8Array {
  const der = encryptionKey.export({ type: 'pkcs8', format: 'der' });
  return new Uint8Array(der.subarray(X25519_PKCS8_PREFIX.length));
}
