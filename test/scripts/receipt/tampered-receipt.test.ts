import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  canonicalJson,
  formatLaneProof,
  parseLaneProof,
  toBase64url,
  type TransactionAnswer,
} from '@medledger/chaincode/domain';
import { parseAttestedFacts } from '../../../gateway/services/receipts/attestation.js';
import type { DecisionReceipt } from '../../../gateway/services/receipts/receipt.js';
import { ensureIdentities } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';
import { decisionIn, describeEntry } from '../../../scripts/receipt/check-entry.js';
import { checkEndorsements } from '../../../scripts/receipt/check-transaction.js';
import { readMembers } from '../../../scripts/receipt/msp-folder.js';
import { openReceipt, type ReceiptCase } from '../../../scripts/receipt/receipt-case.js';
import { addFile, giveGrant, open } from '../../support/care.js';
import { IS_FULL } from '../../support/full-run.js';
import { problemOf, signIn, signUp } from '../../support/member.js';
import { receiptOf } from '../../support/receipts.js';
import { runNetwork } from '../../support/running-network.js';
import { ReceiptHand, RULES, receiptBytes, withOneEndorsement } from './receipt-hand.js';

const FLIPS = IS_FULL ? 2_000 : 200;
const FLIPS_WITHIN = IS_FULL ? 600 : 60;
/** Any will do; always the same, so that a failure comes back. */
const SEED = 20261121;

let hand: ReceiptHand;
/** Of the same network: a refusal. */
let other: DecisionReceipt;
/** Authorities of the same names that are not this network's. */
let strangers: string;

beforeAll(async () => {
  const network = await runNetwork();
  try {
    const doctor = await signIn(network.credential('doctor-a'));
    const patient = await signUp(network.gatewayUrl('HospitalAMSP'));
    const { recordId } = await addFile(patient, patient.memberId, { bytes: Buffer.from('x') });
    const refused = problemOf(await open(doctor, recordId)).transactionId ?? '';
    await giveGrant(patient, { to: 'doctor-a' });
    const permitted = (await open(doctor, recordId)).headers.get('x-transaction-id') ?? '';
    hand = new ReceiptHand(network.dataDir, (await receiptOf(doctor, permitted)).bytes);
    other = new ReceiptHand(network.dataDir, (await receiptOf(doctor, refused)).bytes).receipt;
  } finally {
    await network.stop();
    network.remove();
  }
  strangers = mkdtempSync(join(tmpdir(), 'medledger-strangers-'));
  await ensureIdentities(localTopology(), strangers);
});

afterAll(() => {
  for (const directory of [hand?.dataDir, strangers])
    if (directory !== undefined) rmSync(directory, { recursive: true });
});

/** Numerical Recipes' generator: enough to choose places. */
function* numbers(): Generator<number, never> {
  for (let state = SEED; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state;
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const changed = Uint8Array.from(bytes);
  changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return changed;
}

describe('a receipt', () => {
  it('is good as it was given, and sealed again as it was', () => {
    expect(hand.faults(hand.bytes)).toEqual([]);
    expect(hand.faults(hand.resealed({}))).toEqual([]);
  });

  it(`fails with any of ${FLIPS} bits changed`, () => {
    const places = numbers();
    const survived: number[] = [];
    for (let count = 0; count < FLIPS; count += 1) {
      const bit = places.next().value % (hand.bytes.length * 8);
      if (hand.faults(flipped(hand.bytes, bit)).length === 0) survived.push(bit);
    }
    expect(survived).toEqual([]);
  });

  it(`fails with any of ${FLIPS_WITHIN} bits of its envelope or attestations changed, whoever seals it`, () => {
    const places = numbers();
    const survived: string[] = [];
    const all = parts(hand.receipt);
    for (let count = 0; count < FLIPS_WITHIN; count += 1) {
      const part = all[count % all.length];
      if (part === undefined) throw new Error('a receipt has parts');
      const { name, bytes, put } = part;
      const bit = places.next().value % (bytes.length * 8);
      if (hand.faults(hand.resealed(put(flipped(bytes, bit)))).length === 0) survived.push(`${name} ${bit}`);
    }
    expect(survived).toEqual([]);
  });

  it('fails with a byte more, a byte less, another spelling, or a member that is not known', () => {
    const text = Buffer.from(hand.bytes).toString('utf8');
    const spellings = [`${text}\n`, text.slice(0, -1), ` ${text}`, `\uFEFF${text}`, text.replace('":', '": ')];
    for (const spelling of spellings) expect(hand.faults(Buffer.from(spelling))).toEqual(['form']);
    expect(hand.faults(receiptBytes({ ...hand.receipt, note: '' }))).toEqual(['form']);
  });
});

describe('an organisation that seals something else', () => {
  it('cannot do with one attestation, nor with one twice', () => {
    const [first, second] = hand.receipt.attestations;
    if (first === undefined || second === undefined) throw new Error('two were expected');
    expect(hand.faults(hand.resealed({ attestations: [first] }))).toEqual(['attestations']);
    expect(hand.faults(hand.resealed({ attestations: [first, first] }))).toEqual(['attestations']);
  });

  it('cannot take attestations of another transaction', () => {
    expect(hand.faults(hand.resealed({ attestations: other.attestations }))).toEqual(['attestations']);
  });

  it.each([
    { name: 'of a member, not of the organisation', signer: () => hand.member('HospitalBMSP') },
    { name: 'of an organisation without a peer', signer: () => hand.service('InsurerMSP') },
    { name: 'of another service of the organisation', signer: () => hand.service('HospitalBMSP', 'Registrar') },
  ])('cannot take an attestation $name', async ({ signer }) => {
    const [first] = hand.receipt.attestations;
    if (first === undefined) throw new Error('one was expected');
    const own = hand.attestation(first.text, hand.service('HospitalAMSP'));
    expect(
      hand.faults(hand.resealed({ attestations: [own, hand.attestation(first.text, hand.service('HospitalBMSP'))] })),
    ).toEqual([]);
    const forged = hand.attestation(first.text, await signer());
    expect(hand.faults(hand.resealed({ attestations: [own, forged] }))).toEqual(['attestations']);
  });

  it.each([
    { name: 'found invalid', change: { validationCode: 'MVCC_READ_CONFLICT' } },
    { name: 'in another block', change: { blockNumber: 7_777 } },
    { name: 'of another channel', change: { channel: 'elsewhere' } },
    { name: 'seen before it was made', change: { attestedAtMs: 1_700_000_000_000 } },
  ])('cannot have two say that it was $name', ({ change }) => {
    const facts = parseAttestedFacts(hand.receipt.attestations[0]?.text ?? '');
    const text = Buffer.from(receiptBytes({ ...facts, ...change })).toString('utf8');
    const attestations = ['HospitalAMSP', 'GovernmentMSP'].map((mspId) => hand.attestation(text, hand.service(mspId)));
    expect(hand.faults(hand.resealed({ attestations }))).toEqual(['attestations']);
  });

  it('cannot change, take away or exchange what was signed', () => {
    const { evidence } = hand.receipt;
    const [grant] = evidence?.grants ?? [];
    if (evidence === undefined || grant?.stored === undefined) throw new Error('a grant was expected');
    const wider = grant.stored.grant.text.replace('"classes":', '"labels":["R"],"classes":');
    const widened =
      wider === grant.stored.grant.text ? wider.replace('"scope":{}', '"scope":{"labels":["N","R"]}') : wider;
    const changed = { grantId: grant.grantId, stored: { grant: { ...grant.stored.grant, text: widened } } };
    const { evidence: _gone, ...without } = hand.receipt;
    expect(widened).not.toBe(grant.stored.grant.text);
    for (const grants of [[changed], []])
      expect(hand.faults(hand.resealed({ evidence: { ...evidence, grants } }))).toEqual(['statements']);
    const { register: _unsigned, ...unregistered } = evidence;
    expect(hand.faults(hand.resealed({ evidence: unregistered }))).toEqual(['statements']);
    expect(hand.faults(hand.resealed({ evidence: { ...evidence, used: { [grant.grantId]: 1 } } }))).toEqual([
      'statements',
    ]);
    expect(hand.faults(hand.resealed({ registrars: hand.receipt.registrars.slice(0, 1) }))).toEqual(['statements']);
    expect(without.format).toBe(hand.receipt.format);
  });

  it('cannot be a stranger, a member, or somebody whom the authorities of the reader do not know', async () => {
    expect(hand.faults(hand.resealed({}, await hand.member('HospitalAMSP')))).toEqual(['seal']);
    const all = ['seal', 'attestations', 'creator', 'endorsements', 'statements'];
    expect(hand.faults(hand.bytes, strangers)).toEqual(all);
  });

  it('cannot pass off another envelope', () => {
    const { envelope, evidence } = other;
    const swapped = evidence === undefined ? { envelope } : { envelope, evidence };
    expect(hand.faults(hand.resealed(swapped))).toEqual(['attestations', 'creator', 'entry']);
  });
});

describe('endorsements', () => {
  it('of one organisation are not enough', () => {
    const members = readMembers(hand.dataDir);
    const given = openReceipt(hand.bytes, { members, rules: RULES });
    expect(checkEndorsements(given)).toMatch(/^peers of \w+ and \w+ answered access:open/);
    const envelope = withOneEndorsement(hand.receipt);
    expect(() => checkEndorsements({ ...given, envelope })).toThrow(/takes peers of 2 organisations/);
  });
});

describe('the entry', () => {
  const given = () => openReceipt(hand.bytes, { members: readMembers(hand.dataDir), rules: RULES });
  const proofOf = ({ transaction }: ReceiptCase) => parseLaneProof(transaction.args[1] ?? '');
  const answerOf = ({ transaction }: ReceiptCase) => JSON.parse(transaction.response) as TransactionAnswer;

  it('is the one that arguments, proof and outcome make', () => {
    expect(describeEntry(decisionIn(given()))).toMatch(/^entry 1 of lane .*\/doctor-a: 0/);
  });

  it.each<{ name: string; change: (of: ReceiptCase) => Partial<ReceiptCase['transaction']>; fault: RegExp }>([
    {
      name: 'another nonce',
      change: (of) => ({
        args: [of.transaction.args[0] ?? '', formatLaneProof({ ...proofOf(of), nonce: '00'.repeat(8) })],
      }),
      fault: /does not solve/,
    },
    {
      name: 'another place in the lane',
      change: (of) => ({
        args: [of.transaction.args[0] ?? '', formatLaneProof({ ...proofOf(of), difficulty: 256, sequence: 9 })],
      }),
      fault: /does not solve|another entry/,
    },
    {
      name: 'another outcome',
      change: (of) => ({
        response: canonicalJson({ ...answerOf(of), outcome: { ...answerOf(of).outcome, purpose: 'HPAYMT' } }),
      }),
      fault: /another entry/,
    },
    { name: 'another write', change: () => ({ writes: [] }), fault: /not this entry/ },
    {
      name: 'another function',
      change: () => ({ transaction: 'records:add' }),
      fault: /not canonical/,
    },
    { name: 'a function that there is not', change: () => ({ transaction: 'access:all' }), fault: /no transaction/ },
    {
      name: 'another creator',
      change: ({ transaction }) => ({ creator: { ...transaction.creator, memberId: 'doctor-b' } }),
      fault: /names doctor-b/,
    },
  ])('is not made with $name', ({ change, fault }) => {
    const of = given();
    const changed = { ...of, transaction: { ...of.transaction, ...change(of) } };
    expect(() => decisionIn(changed)).toThrow(fault);
  });
});

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly put: (bytes: Uint8Array) => Partial<DecisionReceipt>;
}

function parts({ envelope, attestations }: DecisionReceipt): readonly Part[] {
  const inEnvelope = (['payload', 'signature'] as const).map((name) => ({
    name,
    bytes: Buffer.from(envelope[name], 'base64url'),
    put: (bytes: Uint8Array) => ({ envelope: { ...envelope, [name]: toBase64url(bytes) } }),
  }));
  const inAttestations = attestations.slice(0, 2).flatMap((given, at) => {
    const put = (change: object) => ({
      attestations: [{ ...given, ...change }, ...attestations.slice(0, 2).toSpliced(at, 1)],
    });
    return [
      ...(['certificate', 'signature'] as const).map((name) => ({
        name: `${name} of ${given.mspId}`,
        bytes: Buffer.from(given[name], 'base64url'),
        put: (bytes: Uint8Array) => put({ [name]: toBase64url(bytes) }),
      })),
      {
        name: `text of ${given.mspId}`,
        bytes: Buffer.from(given.text, 'utf8'),
        put: (bytes: Uint8Array) => put({ text: Buffer.from(bytes).toString('latin1') }),
      },
    ];
  });
  return [...inEnvelope, ...inAttestations];
}
