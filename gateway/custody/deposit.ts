import { taggedBytes, utf8ToBytes } from '@medledger/chaincode/domain';
import { CustodyError } from './custody-errors.js';
import { openManyWith, sealManyTo } from './hpke.js';
import { SHARE_SIZE_BYTES } from './key-shares.js';

/** One custodian's share of one record's key, and whose record it is. */
export interface ShareToDeposit {
  readonly patientId: string;
  readonly recordId: string;
  readonly version: number;
  /**
   * SHA-256 of the ciphertext that the key opens, hex. An add that was tried twice deposits twice for one record id;
   * the chain says which ciphertext counts, and so which share.
   */
  readonly ciphertextSha256: string;
  readonly share: Uint8Array;
}

/** Shares on their way to one custodian: many records, one encapsulated key. */
export interface SealedDeposit {
  /**
   * MSP id of the organisation that brings the shares. It never comes from the wire: who receives a deposit takes it
   * from the client's certificate.
   */
  readonly depositor: string;
  /** HPKE encapsulated key, 32 bytes. */
  readonly enc: Uint8Array;
  readonly items: readonly (Omit<ShareToDeposit, 'share'> & { readonly sealed: Uint8Array })[];
}

/**
 * Seals shares to a custodian (HPKE, RFC 9180): bound to channel, custodian, depositor, patient, record and version.
 *
 * @param input.recipient - the custodian's X25519 public key, 32 raw bytes
 */
export async function sealDeposit(input: {
  recipient: Uint8Array;
  channel: string;
  custodian: string;
  depositor: string;
  shares: readonly ShareToDeposit[];
}): Promise<SealedDeposit> {
  const { enc, items } = await sealManyTo({
    publicKey: input.recipient,
    info: depositInfo(input),
    items: input.shares.map((share) => ({ aad: depositContext(share), plaintext: share.share })),
  });
  return {
    depositor: input.depositor,
    enc,
    items: input.shares.map(({ share: _share, ...place }, index) => ({
      ...place,
      sealed: items[index] ?? new Uint8Array(0),
    })),
  };
}

/** @throws CustodyError CIPHERTEXT_INVALID when an item was sealed for another custodian, by another depositor, for another patient or record, or is no share */
export async function openDeposit(input: {
  privateKey: Uint8Array;
  channel: string;
  custodian: string;
  deposit: SealedDeposit;
}): Promise<(ShareToDeposit & { readonly depositor: string })[]> {
  const { depositor, enc, items } = input.deposit;
  const shares = await openManyWith({
    privateKey: input.privateKey,
    info: depositInfo({ ...input, depositor }),
    enc,
    items: items.map((item) => ({ aad: depositContext(item), sealed: item.sealed })),
  });
  return items.map(({ sealed: _sealed, ...place }, index) => {
    const share = shares[index];
    if (share?.length !== SHARE_SIZE_BYTES)
      throw new CustodyError('CIPHERTEXT_INVALID', `A share has ${SHARE_SIZE_BYTES} bytes: split the key anew`);
    return { ...place, depositor, share };
  });
}

type Way = { readonly channel: string; readonly custodian: string; readonly depositor: string };

function depositInfo({ channel, custodian, depositor }: Way): Uint8Array {
  return taggedBytes('medledger/deposit/v2', [channel, custodian, depositor].map(utf8ToBytes));
}

function depositContext(item: Omit<ShareToDeposit, 'share'>): Uint8Array {
  const parts = [item.patientId, item.recordId, String(item.version), item.ciphertextSha256];
  return taggedBytes('medledger/deposited-share/v1', parts.map(utf8ToBytes));
}
