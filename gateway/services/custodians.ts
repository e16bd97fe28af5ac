import { fromBase64url } from '@medledger/chaincode/domain';
import { releaseInfo, type Release, shareContext } from '../custody/custodian.js';
import { sealDeposit, type SealedDeposit, type ShareToDeposit } from '../custody/deposit.js';
import { openManyWith } from '../custody/hpke.js';
import type { CustodianShare } from '../custody/key-shares.js';
import { MedledgerError } from '../medledger-error.js';

/** One custodian as this gateway reaches it: itself, or another organisation's gateway. */
export interface CustodianDoor {
  readonly mspId: string;
  /** X25519 public key, base64url, as pinned from the signed register. */
  readonly custodianKey: string;
  depositShares(deposit: SealedDeposit): Promise<void>;
  releaseShares(transactionId: string): Promise<Release>;
}

export const ACKNOWLEDGEMENTS_NEEDED = 2;

/** Told of a custodian that did not take its shares, so that they are brought to it later. */
export type MissedDeposit = (missed: { custodian: string; deposit: SealedDeposit; reason: string }) => void;

/**
 * Brings each custodian its shares and waits for two durable acknowledgements; the third is repaired later.
 *
 * @param sharesOf - per custodian, in the order of the doors
 * @throws MedledgerError CUSTODIANS_UNAVAILABLE, with the reason of each, when fewer than two took theirs
 */
export async function depositAll(
  doors: readonly CustodianDoor[],
  input: { channel: string; sharesOf: readonly (readonly ShareToDeposit[])[]; onMissed: MissedDeposit },
): Promise<void> {
  const reasons: { custodian: string; reason: string }[] = [];
  const taken = await Promise.all(
    doors.map(async (door, index) => {
      const shares = input.sharesOf[index] ?? [];
      const recipient = fromBase64url(door.custodianKey);
      const deposit = await sealDeposit({ recipient, channel: input.channel, custodian: door.mspId, shares });
      try {
        await door.depositShares(deposit);
        return true;
      } catch (error) {
        const reason = reasonOf(error);
        reasons.push({ custodian: door.mspId, reason });
        input.onMissed({ custodian: door.mspId, deposit, reason });
        return false;
      }
    }),
  );
  if (taken.filter(Boolean).length < ACKNOWLEDGEMENTS_NEEDED)
    throw new MedledgerError('CUSTODIANS_UNAVAILABLE', undefined, { extra: { custodians: reasons } });
}

export interface CustodianRefusal {
  readonly custodian: string;
  /** Absent when the custodian answered nothing at all. */
  readonly recordId?: string;
  readonly code: string;
  readonly detail: string;
}

/** What the custodians answered to one opening: shares by record, and who refused or was silent, with the reason. */
export interface Collected {
  readonly sharesOf: ReadonlyMap<string, readonly CustodianShare[]>;
  readonly refusals: readonly CustodianRefusal[];
}

type Collecting = { channel: string; transactionId: string; oneTimePrivateKey: Uint8Array };
type Collection = { shares: { recordId: string; share: CustodianShare }[]; refusals: CustodianRefusal[] };

/** Asks all custodians at once and opens what they sealed to the one-time key. */
export async function collectShares(doors: readonly CustodianDoor[], input: Collecting): Promise<Collected> {
  const collections = await Promise.all(doors.map((door) => collectFrom(door, input)));
  const sharesOf = new Map<string, CustodianShare[]>();
  for (const { recordId, share } of collections.flatMap(({ shares }) => shares))
    sharesOf.set(recordId, [...(sharesOf.get(recordId) ?? []), share]);
  return { sharesOf, refusals: collections.flatMap(({ refusals }) => refusals) };
}

async function collectFrom(door: CustodianDoor, input: Collecting): Promise<Collection> {
  const custodian = door.mspId;
  try {
    const release = await door.releaseShares(input.transactionId);
    const opened = await openRelease(custodian, release, input);
    const refusals = release.items.flatMap((item) =>
      'code' in item ? [{ custodian, recordId: item.recordId, code: item.code, detail: item.detail }] : [],
    );
    return { shares: opened.map(({ recordId, share }) => ({ recordId, share: { custodian, share } })), refusals };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNREACHABLE';
    return { shares: [], refusals: [{ custodian, code, detail: reasonOf(error) }] };
  }
}

async function openRelease(
  custodian: string,
  release: Release,
  input: Collecting,
): Promise<{ recordId: string; share: Uint8Array }[]> {
  const given = release.items.flatMap((item) => ('sealed' in item ? [item] : []));
  const shares = await openManyWith({
    privateKey: input.oneTimePrivateKey,
    info: releaseInfo({ channel: input.channel, transactionId: input.transactionId, custodian }),
    enc: release.enc,
    items: given.map(({ recordId, version, sealed }) => ({ aad: shareContext(recordId, version), sealed })),
  });
  return given.map(({ recordId }, index) => ({ recordId, share: shares[index] ?? new Uint8Array(0) }));
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
