import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { CustodyError } from './custody-errors.js';
import { framedBytes } from './framed-bytes.js';
import type { StoreKeys } from './store-key.js';

const NONCE_SIZE_BYTES = 12;
const TAG_SIZE_BYTES = 16;
export const DIGEST_SIZE_BYTES = 32;

/**
 * What a share is for: one ciphertext of one version of one record, as one organisation deposited it. An add that was
 * tried twice deposits shares of two keys for one version; the chain says which ciphertext counts. It also says whose
 * deposit counts: ids and digests are public on it, so any organisation can deposit something under them.
 */
export type SharePlace = {
  readonly recordId: string;
  readonly version: number;
  /** Lower-case hex. */
  readonly ciphertextSha256: string;
  /** MSP id of the organisation whose gateway brought the share. */
  readonly depositor: string;
};

/** A place together with the patient that the depositor named. */
export type ShareOwnership = SharePlace & { readonly patientId: string };

/** A share at rest. `sealed` is nonce ‖ ciphertext ‖ tag; `digest` is bound to place and content. */
export type ShareRow = ShareOwnership & {
  readonly sealed: Uint8Array;
  readonly digest: Uint8Array;
};

/** Seals and checks the rows of one custodian's store: rows of another store, record or version do not open. */
export class ShareRowSealer {
  readonly #keys: StoreKeys;
  readonly #mspId: string;

  constructor(keys: StoreKeys, mspId: string) {
    this.#keys = keys;
    this.#mspId = mspId;
  }

  seal(ownership: ShareOwnership, share: Uint8Array): ShareRow {
    const { recordId, version, ciphertextSha256, depositor, patientId } = ownership;
    const nonce = randomBytes(NONCE_SIZE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#keys.sealKey, nonce).setAAD(this.#ownership(ownership));
    const sealed = Buffer.concat([nonce, cipher.update(share), cipher.final(), cipher.getAuthTag()]);
    const digest = this.#rowDigest(ownership, sealed);
    return { recordId, version, ciphertextSha256, depositor, patientId, sealed, digest };
  }

  /** Whether a row is as it was written, without opening it. */
  isIntact(row: ShareRow): boolean {
    const digest = this.#rowDigest(row, row.sealed);
    return row.digest.length === digest.length && timingSafeEqual(row.digest, digest);
  }

  /** @throws CustodyError STORE_CORRUPT when the row was changed or does not belong where it stands */
  open(row: ShareRow): Uint8Array {
    const where = `The share of record ${row.recordId} version ${row.version}`;
    const advice = 'restore it from a backup or let the other custodians serve';
    if (!this.isIntact(row)) throw new CustodyError('STORE_CORRUPT', `${where} was changed in the store: ${advice}`);
    try {
      const nonce = row.sealed.subarray(0, NONCE_SIZE_BYTES);
      const decipher = createDecipheriv('aes-256-gcm', this.#keys.sealKey, nonce, { authTagLength: TAG_SIZE_BYTES });
      decipher.setAAD(this.#ownership(row)).setAuthTag(row.sealed.subarray(-TAG_SIZE_BYTES));
      const opened = decipher.update(row.sealed.subarray(NONCE_SIZE_BYTES, -TAG_SIZE_BYTES));
      return new Uint8Array(Buffer.concat([opened, decipher.final()]));
    } catch (cause) {
      throw new CustodyError('STORE_CORRUPT', `${where} does not open under this store's key: ${advice}`, { cause });
    }
  }

  /** Digest over any further facts of the store, under the same key as the rows' digests. */
  digestOf(use: string, fields: readonly (string | number | Uint8Array)[]): Uint8Array {
    const bytes = framedBytes(`medledger/share-store/v1/${use}`, [this.#mspId, ...fields]);
    return createHmac('sha256', this.#keys.digestKey).update(bytes).digest();
  }

  #rowDigest(ownership: ShareOwnership, sealed: Uint8Array): Uint8Array {
    return this.digestOf('row', [this.#ownership(ownership), sealed]);
  }

  #ownership({ recordId, version, ciphertextSha256, depositor, patientId }: ShareOwnership): Uint8Array {
    const fields = [this.#mspId, recordId, version, ciphertextSha256, depositor, patientId];
    return framedBytes('medledger/share-store/v2/ownership', fields);
  }
}

/** Adds a digest to a set of digests, or takes it out again: the order of rows does not matter. */
export function toggled(setDigest: Uint8Array, digest: Uint8Array): Uint8Array {
  return setDigest.map((byte, index) => byte ^ (digest[index] ?? 0));
}
