import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import { CustodyError } from './custody-errors.js';

export const X25519_KEY_SIZE_BYTES = 32;
export const ENCAPSULATION_SIZE_BYTES = 32;
// PKCS #8 of an X25519 private key up to the raw key itself (RFC 8410 section 7).
const PKCS8_PREFIX = Buffer.from('302e020100300506032b656e04220420', 'hex');

const suite = new CipherSuite({
  kem: new DhkemX25519HkdfSha256(),
  kdf: new HkdfSha256(),
  aead: new Aes256Gcm(),
});

export type HpkeKeyPair = { readonly publicKey: Uint8Array; readonly privateKey: Uint8Array };
export type ItemToSeal = { readonly aad: Uint8Array; readonly plaintext: Uint8Array };
export type SealedItem = { readonly aad: Uint8Array; readonly sealed: Uint8Array };

/** A fresh X25519 pair, both halves as 32 raw bytes. */
export function generateHpkeKeyPair(): HpkeKeyPair {
  const pair = generateKeyPairSync('x25519');
  const pkcs8 = pair.privateKey.export({ format: 'der', type: 'pkcs8' });
  return {
    publicKey: rawPublicKey(pair.publicKey),
    privateKey: new Uint8Array(pkcs8.subarray(PKCS8_PREFIX.length)),
  };
}

/** The public half of a raw X25519 private key of 32 bytes. */
export function hpkePublicKeyOf(privateKey: Uint8Array): Uint8Array {
  const pkcs8 = Buffer.concat([PKCS8_PREFIX, privateKey]);
  return rawPublicKey(createPublicKey(createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' })));
}

/**
 * Seals one plaintext to a public key: HPKE base mode, DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM.
 *
 * @param publicKey - 32 raw bytes
 * @param info - what the whole message is for; opening needs the same bytes
 * @returns encapsulated key (32) ‖ ciphertext (plaintext + 16)
 * @see RFC 9180 section 6.1
 */
export async function sealTo(input: { publicKey: Uint8Array; info: Uint8Array } & ItemToSeal): Promise<Uint8Array> {
  const { enc, items } = await sealManyTo({ publicKey: input.publicKey, info: input.info, items: [input] });
  return new Uint8Array(Buffer.concat([enc, ...items]));
}

/**
 * Opens what sealTo made.
 *
 * @throws CustodyError CIPHERTEXT_INVALID for another key, info or aad, or any change
 */
export async function openWith(input: { privateKey: Uint8Array; info: Uint8Array } & SealedItem): Promise<Uint8Array> {
  const [opened] = await openManyWith({
    privateKey: input.privateKey,
    info: input.info,
    enc: input.sealed.subarray(0, ENCAPSULATION_SIZE_BYTES),
    items: [{ aad: input.aad, sealed: input.sealed.subarray(ENCAPSULATION_SIZE_BYTES) }],
  });
  return opened ?? new Uint8Array();
}

/**
 * Seals many plaintexts to one public key under one encapsulation, which is most of the cost.
 * They are bound to their order: item n opens only as the n-th.
 *
 * @see RFC 9180 section 5.2: one context, one sequence number per message
 */
export async function sealManyTo(input: {
  publicKey: Uint8Array;
  info: Uint8Array;
  items: readonly ItemToSeal[];
}): Promise<{ enc: Uint8Array; items: Uint8Array[] }> {
  const recipientPublicKey = await suite.kem.deserializePublicKey(new Uint8Array(input.publicKey));
  const sender = await suite.createSenderContext({ recipientPublicKey, info: new Uint8Array(input.info) });
  const items: Uint8Array[] = [];
  for (const { plaintext, aad } of input.items) {
    items.push(new Uint8Array(await sender.seal(new Uint8Array(plaintext), new Uint8Array(aad))));
  }
  return { enc: new Uint8Array(sender.enc), items };
}

/**
 * Opens what sealManyTo made, in the same order.
 *
 * @throws CustodyError CIPHERTEXT_INVALID naming the first item that does not open
 */
export async function openManyWith(input: {
  privateKey: Uint8Array;
  info: Uint8Array;
  enc: Uint8Array;
  items: readonly SealedItem[];
}): Promise<Uint8Array[]> {
  const recipient = await recipientContext(input);
  const opened: Uint8Array[] = [];
  for (const [index, { sealed, aad }] of input.items.entries()) {
    try {
      opened.push(new Uint8Array(await recipient.open(new Uint8Array(sealed), new Uint8Array(aad))));
    } catch (cause) {
      throw new CustodyError('CIPHERTEXT_INVALID', `Sealed item ${index} does not open: ask its sender again`, {
        cause,
      });
    }
  }
  return opened;
}

async function recipientContext(input: { privateKey: Uint8Array; info: Uint8Array; enc: Uint8Array }) {
  try {
    return await suite.createRecipientContext({
      recipientKey: await suite.kem.deserializePrivateKey(new Uint8Array(input.privateKey)),
      enc: new Uint8Array(input.enc),
      info: new Uint8Array(input.info),
    });
  } catch (cause) {
    throw new CustodyError('CIPHERTEXT_INVALID', 'The encapsulated key is not valid: ask its sender again', { cause });
  }
}

function rawPublicKey(publicKey: KeyObject): Uint8Array {
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return new Uint8Array(spki.subarray(spki.length - X25519_KEY_SIZE_BYTES));
}
