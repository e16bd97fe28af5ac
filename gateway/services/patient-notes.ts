import { createHash } from 'node:crypto';
import { fromBase64url, memberId, taggedBytes, utf8ToBytes } from '@medledger/chaincode/domain';
import { openWith, sealTo } from '../custody/hpke.js';
import type { UnlockedIdentity } from '../identity/member-keys.js';
import type { LedgerChain } from '../ledger/chain.js';

export interface NotePorts {
  readonly chain: LedgerChain;
  readonly storeCiphertexts: (ciphertexts: readonly Uint8Array[]) => Promise<readonly string[]>;
  readonly fetchCiphertext: (cid: string, sha256Hex: string) => Promise<Uint8Array>;
}

/** What a note is about; sealed for one, it opens for no other. */
export interface NotePlace {
  readonly tag: 'medledger/request-reason/v1' | 'medledger/review-comment/v1';
  readonly patientId: string;
  /** Of the request or the emergency. */
  readonly id: string;
}

const NO_AAD = new Uint8Array(0);

/** Seals free text to the patient: it lies in the vaults, and the chain keeps its hash and where it lies. */
export async function sealNote(
  { chain, storeCiphertexts }: NotePorts,
  identity: UnlockedIdentity,
  note: NotePlace & { readonly text: string },
): Promise<{ sha256: string; cid: string }> {
  const { member } = await chain.query(identity, 'members:member', {
    memberId: memberId(note.patientId, '/patientId'),
  });
  const sealed = await sealTo({
    publicKey: fromBase64url(member.encryptionKey),
    info: infoOf(chain, note),
    aad: NO_AAD,
    plaintext: utf8ToBytes(note.text),
  });
  const [cid = ''] = await storeCiphertexts([sealed]);
  return { sha256: createHash('sha256').update(sealed).digest('hex'), cid };
}

/** @returns undefined where no vault can give it: what it belongs to can be dealt with all the same */
export async function openNote(
  { chain, fetchCiphertext }: NotePorts,
  identity: UnlockedIdentity,
  note: NotePlace & { readonly cid: string; readonly sha256: string },
): Promise<string | undefined> {
  try {
    const sealed = await fetchCiphertext(note.cid, note.sha256);
    const privateKey = identity.encryptionPrivateKey();
    const opened = await openWith({ privateKey, info: infoOf(chain, note), aad: NO_AAD, sealed });
    return Buffer.from(opened).toString('utf8');
  } catch {
    return undefined;
  }
}

function infoOf({ channel }: LedgerChain, { tag, patientId, id }: NotePlace): Uint8Array {
  return taggedBytes(tag, [channel, patientId, id].map(utf8ToBytes));
}
