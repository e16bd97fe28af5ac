import { randomInt, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Purpose, SignedStatement } from '@medledger/chaincode/domain';
import { formatStatement, parseStatement, statementBytes, toBase64url } from '@medledger/chaincode/domain';
import { checkEvidence } from '../../../gateway/custody/evidence-check.js';
import { CHANNEL, type ChainActor } from '../../support/chain-actor.js';
import { BASIS_CASES, type BasisCase } from './basis-cases.js';
import { type Circle, makeCircle, OpeningCase } from './opening-case.js';

let circle: Circle;
beforeAll(async () => {
  circle = await makeCircle();
});

type Said = ReturnType<typeof parseStatement<object>>;

/** The same statement with something else in it, under its old signature. */
const reworded = (change: (said: Said) => Said) => (signed: SignedStatement) => ({
  ...signed,
  text: formatStatement(change(parseStatement(signed.text, (body) => body as object))),
});
/** Something else in it, well signed by somebody who may not say it. */
const signedBy =
  (forger: () => ChainActor, change: (said: Said) => Said = (said) => said) =>
  (signed: SignedStatement) => {
    const { text } = reworded(change)(signed);
    const { privateKey } = forger();
    return {
      text,
      signature: toBase64url(sign('sha256', statementBytes(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })),
    };
  };
const flipped = (bytes: string) => {
  const place = randomInt(bytes.length);
  const other = bytes[place] === 'A' ? 'B' : 'A';
  return `${bytes.slice(0, place)}${other}${bytes.slice(place + 1)}`;
};

const FORGERIES: readonly { readonly name: string; forge(signed: SignedStatement): SignedStatement }[] = [
  { name: 'a flipped character of the text', forge: (signed) => ({ ...signed, text: flipped(signed.text) }) },
  {
    name: 'a flipped character of the signature',
    forge: (signed) => ({ ...signed, signature: flipped(signed.signature.slice(0, -2)) + signed.signature.slice(-2) }),
  },
  { name: 'no signature', forge: (signed) => ({ ...signed, signature: 'A'.repeat(86) }) },
  { name: 'a later version', forge: reworded((said) => ({ ...said, version: said.version + 1 })) },
  { name: 'another channel', forge: reworded((said) => ({ ...said, channel: 'other' })) },
  { name: 'another key epoch', forge: reworded((said) => ({ ...said, keyEpoch: 1 })) },
  { name: 'another signer named', forge: reworded((said) => ({ ...said, by: 'doctor-c' as never })) },
  {
    name: 'the reader named as signer, by its own signature',
    forge: signedBy(
      () => circle.doctor,
      (said) => ({ ...said, by: circle.doctor.memberId }),
    ),
  },
  { name: 'the signature of another patient', forge: signedBy(() => circle.otherPatient) },
  { name: 'the signature of an organisation’s doctor', forge: signedBy(() => circle.otherDoctor) },
  {
    name: 'another patient',
    forge: signedBy(
      () => circle.patient,
      (said) => ({ ...said, patientId: circle.otherPatient.memberId }),
    ),
  },
  {
    name: 'another kind',
    forge: signedBy(
      () => circle.patient,
      (said) => ({ ...said, kind: 'record' }),
    ),
  },
];

/** Statements that state holds in a case: each of them is forged in turn. */
function statementsOf(opening: OpeningCase): readonly SignedStatement[] {
  const { policy, groups = [], delegations = [], representations = [], emergencies = [] } = opening.further;
  return [
    ...(opening.stored === undefined ? [] : [opening.stored.grant]),
    ...(policy === undefined ? [] : [policy]),
    ...groups,
    ...[...delegations, ...representations].map(({ statement }) => statement),
    ...emergencies.map(({ declaration }) => declaration),
  ];
}

/** Puts the forgery where the statement stood, wherever that is. */
function withForged(opening: OpeningCase, original: SignedStatement, forged: SignedStatement): void {
  const swapped = (value: unknown): unknown => {
    if (value === original) return forged;
    if (Array.isArray(value)) return value.map(swapped);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, swapped(member)]));
  };
  opening.further = swapped(opening.further) as typeof opening.further;
  opening.stored = swapped(opening.stored) as typeof opening.stored;
}

function isBelieved(opening: OpeningCase): boolean {
  const { basis, patientId, record, nowMs } = opening;
  const pinned = circle.organisations.map(({ entry }) => entry);
  const { purpose } = opening as { purpose: Purpose };
  const { keyHash: creatorKeyHash } = opening.creator;
  try {
    checkEvidence({
      basis,
      patientId,
      record,
      purpose,
      creatorKeyHash,
      nowMs,
      channel: CHANNEL,
      evidence: opening.evidence(),
      pinned,
    });
    return true;
  } catch (error) {
    if ((error as { code?: string }).code === undefined) throw error;
    return false;
  }
}

/** @returns the forgeries that were believed, and how many were tried */
function tryAll({ prepare }: BasisCase, rounds: number): { tried: number; believed: readonly string[] } {
  const honest = new OpeningCase(circle);
  prepare(honest);
  const places = [...statementsOf(honest).keys()];
  const forgeries = Array.from({ length: rounds }, () => FORGERIES).flat();
  const attempts = forgeries.flatMap((forgery) =>
    places.map((place) => ({ what: `${forgery.name}, statement ${place}`, result: tryOne(prepare, forgery, place) })),
  );
  return {
    tried: attempts.filter(({ result }) => result !== 'genuine').length,
    believed: attempts.filter(({ result }) => result === 'believed').map(({ what }) => what),
  };
}

function tryOne(
  prepare: BasisCase['prepare'],
  { name, forge }: (typeof FORGERIES)[number],
  place: number,
): 'genuine' | 'believed' | 'refused' {
  const opening = new OpeningCase(circle);
  prepare(opening);
  const original = statementsOf(opening)[place];
  if (original === undefined) throw new Error('a case is prepared alike each time');
  const forged = forge(original);
  // The forger may be the one who may say it.
  if (forged.text === original.text && isGenuine(opening, original, name)) return 'genuine';
  withForged(opening, original, forged);
  return isBelieved(opening) ? 'believed' : 'refused';
}

/** Signed anew by the very person who signed it: no forgery. */
function isGenuine(opening: OpeningCase, { text }: SignedStatement, forgery: string): boolean {
  const { by } = parseStatement(text, (body) => body);
  const signer = by ?? opening.patientId;
  if (forgery.includes('another patient')) return signer === circle.otherPatient.memberId;
  if (forgery.includes('reader')) return signer === circle.doctor.memberId;
  return forgery.includes('doctor') && signer === circle.otherDoctor.memberId;
}

describe('forged statements in the evidence of a peer', () => {
  const tried: number[] = [];

  it.each(BASIS_CASES)('behind $name: none is believed', (basis) => {
    const result = tryAll(basis, 4);
    tried.push(result.tried);
    expect(result.believed).toEqual([]);
  });

  it('at least 500 in all', () => {
    expect(tried.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(500);
  });
});
