import { fromBase64url } from '@medledger/chaincode/domain';
import { releaseInfo, type Release, shareContext } from '../custody/custodian.js';
import { sealDeposit, type SealedDeposit, type ShareToDeposit } from '../custody/deposit.js';
import { openManyWith } from '../custody/hpke.js';
import { type CustodianShare, SHARES_NEEDED } from '../custody/key-shares.js';
import { MedledgerError } from '../medledger-error.js';
import { enoughAnswers } from './enough-answers.js';

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
 * Brings each custodian its shares and waits for two durable acknowledgements; a third that fails or takes much longer
 * is repaired later.
 *
 * @param input.depositor - MSP id of this gateway's organisation
 * @param input.sharesOf - per custodian, in the order of the doors
 * @throws MedledgerError CUSTODIANS_UNAVAILABLE, with the reason of each, when fewer than two took theirs
 */
export async function depositAll(
  doors: readonly CustodianDoor[],
  input: {
    channel: string;
    depositor: string;
    sharesOf: readonly (readonly ShareToDeposit[])[];
    onMissed: MissedDeposit;
  },
): Promise<void> {
  const { channel, depositor, sharesOf, onMissed } = input;
  const deposits = await Promise.all(
    doors.map(async (door, at) => {
      const { mspId: custodian, custodianKey } = door;
      const shares = sharesOf[at] ?? [];
      const recipient = fromBase64url(custodianKey);
      const deposit = await sealDeposit({ recipient, channel, custodian, depositor, shares });
      return { custodian, deposit, door };
    }),
  );
  const answers = await enoughAnswers(
    deposits.map(({ door, deposit }) => taken(door, deposit)),
    { needed: ACKNOWLEDGEMENTS_NEEDED, isGood: ({ isTaken }) => isTaken },
  );
  const missed = deposits.flatMap(({ custodian, deposit }, at) => {
    const { isTaken, reason } = answers[at] ?? { isTaken: false, reason: NO_ANSWER };
    return isTaken ? [] : [{ custodian, deposit, reason }];
  });
  for (const one of missed) onMissed(one);
  if (doors.length - missed.length >= ACKNOWLEDGEMENTS_NEEDED) return;
  const custodians = missed.map(({ custodian, reason }) => ({ custodian, reason }));
  throw new MedledgerError('CUSTODIANS_UNAVAILABLE', undefined, { extra: { custodians } });
}

const NO_ANSWER = 'no answer while the others had answered';

async function taken(door: CustodianDoor, deposit: SealedDeposit): Promise<{ isTaken: boolean; reason: string }> {
  try {
    await door.depositShares(deposit);
    return { isTaken: true, reason: '' };
  } catch (error) {
    return { isTaken: false, reason: reasonOf(error) };
  }
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

export interface Collection {
  /** Once two custodians gave all they were asked for and the others had a moment longer. */
  readonly soon: Promise<Collected>;
  /** Once each of them has answered or failed. */
  readonly whole: Promise<Collected>;
}

type Collecting = { channel: string; transactionId: string; oneTimePrivateKey: Uint8Array };
type FromOne = { shares: { recordId: string; share: CustodianShare }[]; refusals: CustodianRefusal[] };

/** Asks all custodians at once and opens what they sealed to the one-time key. */
export function collectShares(doors: readonly CustodianDoor[], input: Collecting): Collection {
  const calls = doors.map((door) => collectFrom(door, input));
  const isGood = ({ refusals }: FromOne) => refusals.length === 0;
  const silent = ({ mspId: custodian }: CustodianDoor): FromOne => {
    return { shares: [], refusals: [{ custodian, code: UNREACHABLE, detail: NO_ANSWER }] };
  };
  return {
    soon: enoughAnswers(calls, { needed: SHARES_NEEDED, isGood }).then((answers) =>
      collected(doors.map((door, at) => answers[at] ?? silent(door))),
    ),
    whole: Promise.all(calls).then(collected),
  };
}

const UNREACHABLE = 'UNREACHABLE';

function collected(answers: readonly FromOne[]): Collected {
  const sharesOf = new Map<string, CustodianShare[]>();
  for (const { recordId, share } of answers.flatMap(({ shares }) => shares))
    sharesOf.set(recordId, [...(sharesOf.get(recordId) ?? []), share]);
  return { sharesOf, refusals: answers.flatMap(({ refusals }) => refusals) };
}

async function collectFrom(door: CustodianDoor, input: Collecting): Promise<FromOne> {
  const custodian = door.mspId;
  try {
    const release = await door.releaseShares(input.transactionId);
    const opened = await openRelease(custodian, release, input);
    const refusals = release.items.flatMap((item) =>
      'code' in item ? [{ custodian, recordId: item.recordId, code: item.code, detail: item.detail }] : [],
    );
    return { shares: opened.map(({ recordId, share }) => ({ recordId, share: { custodian, share } })), refusals };
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : UNREACHABLE;
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
