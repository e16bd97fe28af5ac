import { timingSafeEqual } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { DATA_KEY_SIZE_BYTES } from './chunked-aead.js';
import { CustodyError } from './custody-errors.js';

export const SHARES_NEEDED = 2;
export const SHARE_SIZE_BYTES = DATA_KEY_SIZE_BYTES + 1;

export type CustodianShare = { readonly custodian: string; readonly share: Uint8Array };

/**
 * Splits a data key among three custodians; any two shares rebuild it, one tells nothing.
 *
 * @param dataKey - 32 bytes
 * @returns one share of 33 bytes per custodian, in their order
 * @see Shamir, "How to share a secret", over GF(2^8)
 */
export async function splitKey(
  dataKey: Uint8Array,
  custodians: readonly [string, string, string],
): Promise<CustodianShare[]> {
  if (dataKey.length !== DATA_KEY_SIZE_BYTES || new Set(custodians).size !== custodians.length) {
    throw new RangeError('A data key of 32 bytes is split among three different custodians');
  }
  // The library compares constructors, so a Buffer is refused: it must be a plain Uint8Array.
  const shares = await split(new Uint8Array(dataKey), custodians.length, SHARES_NEEDED);
  return shares.map((share, index) => ({ custodian: custodians[index] ?? '', share }));
}

/**
 * Rebuilds a data key from the shares that came back, and names every custodian whose share is wrong.
 *
 * @param shares - at most one per custodian; two good ones are needed
 * @param matches - whether a key is the right one, by the key commitment (see matchesKey)
 * @returns `bad`: custodians whose share does not lie on the same line; with two shares none can be bad
 * @throws CustodyError KEY_UNRECOVERABLE, with the custodians asked, when no two shares give the key
 */
export async function combineNaming(input: {
  shares: readonly CustodianShare[];
  matches: (dataKey: Uint8Array) => boolean;
}): Promise<{ dataKey: Uint8Array; bad: string[] }> {
  const wellFormed = input.shares.filter(({ share }) => share.length === SHARE_SIZE_BYTES);
  for (const [first, second] of pairsOf(wellFormed)) {
    const dataKey = await combinePair(first, second);
    if (dataKey === undefined || !input.matches(dataKey)) continue;
    const others = input.shares.filter((held) => held !== first && held !== second);
    return { dataKey, bad: await custodiansOff(first, others, dataKey) };
  }
  throw unrecoverable(input.shares.map(({ custodian }) => custodian));
}

/** Custodians whose share, joined with a good one, gives something other than the key. */
async function custodiansOff(
  good: CustodianShare,
  others: readonly CustodianShare[],
  dataKey: Uint8Array,
): Promise<string[]> {
  const off: string[] = [];
  for (const other of others) {
    if (!(await givesKey(good, other, dataKey))) off.push(other.custodian);
  }
  return off;
}

function pairsOf(shares: readonly CustodianShare[]): [CustodianShare, CustodianShare][] {
  return shares.flatMap((first, index) =>
    shares.slice(index + 1).map((second): [CustodianShare, CustodianShare] => [first, second]),
  );
}

/** Undefined when both shares are for the same point: they hold nothing that one of them does not. */
async function combinePair(first: CustodianShare, second: CustodianShare): Promise<Uint8Array | undefined> {
  if (first.share.at(-1) === second.share.at(-1)) return undefined;
  return combine([new Uint8Array(first.share), new Uint8Array(second.share)]);
}

async function givesKey(good: CustodianShare, other: CustodianShare, dataKey: Uint8Array): Promise<boolean> {
  if (other.share.length !== SHARE_SIZE_BYTES) return false;
  const rebuilt = await combinePair(good, other);
  return rebuilt !== undefined && timingSafeEqual(rebuilt, dataKey);
}

function unrecoverable(custodians: readonly string[]): CustodyError {
  const message =
    custodians.length < SHARES_NEEDED
      ? `Two key shares are needed and ${custodians.length} came: try again when another custodian answers`
      : `No two of the shares of ${custodians.join(', ')} give the key: ask a further custodian and report these`;
  return new CustodyError('KEY_UNRECOVERABLE', message, { custodians });
}
