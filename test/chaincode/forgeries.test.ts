import { randomInt, sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  formatLaneProof,
  formatStatement,
  type GrantId,
  headerHash,
  headerOf,
  parseLaneProof,
  parseStatement,
  POLICY_ID,
  type SignedStatement,
  statementBytes,
  toBase64url,
  type TransactionName,
} from '@medledger/chaincode/domain';
import {
  CHANNEL,
  type ChainActor,
  prepareCall,
  randomId,
  signFor,
  signRecordSet,
  signStatement,
  wrongNonce,
} from '../support/chain-actor.js';
import { appoint, declaration, delegate, delegationBody, policyBody, setPolicy } from './statements.js';
import { DAY_MS, openingOf, recordOf, Refused, TestConsortium } from './test-consortium.js';

const ROUNDS = 4;
let consortium: TestConsortium;
let patient: ChainActor;
let otherPatient: ChainActor;
let doctor: ChainActor;
let grantId: GrantId;
let delegationId: string;
let representationId: string;
const counts = { tried: 0, accepted: [] as string[] };

beforeAll(async () => {
  consortium = await TestConsortium.create();
  doctor = consortium.actor('doctor-a');
  patient = await consortium.patient();
  otherPatient = await consortium.patient();
  await setPolicy(consortium, patient);
  grantId = await consortium.grant(patient, {
    grantee: { kind: 'delegate', id: 'doctor-a' },
    actions: ['read', 'share'],
  });
  delegationId = await delegate(consortium, doctor, {
    patient,
    body: delegationBody(consortium, { parentId: grantId }),
  });
  representationId = await appoint(consortium, patient, { representative: otherPatient.memberId });
});

/** An honest call: who sends it, and in which member of the argument the statement stands. */
interface Honest {
  readonly actor: ChainActor;
  readonly transaction: TransactionName;
  readonly member: string;
  readonly business: Record<string, unknown>;
}

const KINDS: Readonly<Record<string, () => Honest>> = {
  grant: () => byPatient('consents:grant', 'grant', { kind: 'grant', id: randomId('g'), body: consortium.grantBody() }),
  alteration: () => {
    const body = consortium.grantBody({ grantee: { kind: 'delegate', id: 'doctor-a' }, actions: ['read', 'share'] });
    return byPatient('consents:alter', 'grant', { kind: 'grant', id: grantId, version: 2, body });
  },
  'revocation of a grant': () => revocation(grantId),
  'revocation of a delegation': () => revocation(delegationId),
  'revocation of a representation': () => revocation(representationId),
  policy: () =>
    byPatient('consents:setPolicy', 'policy', { kind: 'policy', id: POLICY_ID, version: 2, body: policyBody() }),
  group: () =>
    byPatient('consents:setGroup', 'group', { kind: 'group', id: randomId('c'), body: { members: ['doctor-a'] } }),
  representation: () => {
    const { timeMs } = consortium;
    const body = { representative: otherPatient.memberId, fromMs: timeMs, untilMs: timeMs + DAY_MS };
    return byPatient('consents:appoint', 'representation', { kind: 'representation', id: randomId('r'), body });
  },
  delegation: () => {
    const body = delegationBody(consortium, { parentId: grantId });
    const delegation = signFor(doctor, patient, { kind: 'delegation', id: randomId('d'), body });
    return { actor: doctor, transaction: 'consents:delegate', member: 'delegation', business: about({ delegation }) };
  },
  emergency: () => {
    const { oneTimeKey } = openingOf(patient, []);
    const business = about({ declaration: declaration(consortium, doctor, { patient }), recordIds: [], oneTimeKey });
    return { actor: doctor, transaction: 'access:emergency', member: 'declaration', business };
  },
};

function about(members: object): Record<string, unknown> {
  return { patientId: patient.memberId, ...members };
}

function byPatient(transaction: TransactionName, member: string, stating: Parameters<typeof signStatement>[1]): Honest {
  return { actor: patient, transaction, member, business: about({ [member]: signStatement(patient, stating) }) };
}

function revocation(id: string): Honest {
  return byPatient('consents:revoke', 'revocation', { kind: 'revocation', id, version: 2, body: {} });
}

type Forge = (signed: SignedStatement, honest: Honest) => SignedStatement;
type Said = ReturnType<typeof parseStatement<object>>;

const rewritten = ({ text }: SignedStatement, change: (said: Said) => Partial<Said>): string => {
  const said = parseStatement(text, (body) => body as object);
  return formatStatement({ ...said, ...change(said) });
};
const resigned = (text: string, { privateKey }: ChainActor): SignedStatement => ({
  text,
  signature: toBase64url(sign('sha256', statementBytes(text), { key: privateKey, dsaEncoding: 'ieee-p1363' })),
});
const flipped = (bytes: string, end = bytes.length) => {
  const place = randomInt(end);
  return `${bytes.slice(0, place)}${bytes[place] === 'A' ? 'B' : 'A'}${bytes.slice(place + 1)}`;
};
/** The old signature over other words. */
const unsigned =
  (change: (said: Said) => Partial<Said>): Forge =>
  (signed) => ({ ...signed, text: rewritten(signed, change) });
/** Other words, signed by the one who may say the right ones. */
const wrong =
  (change: (said: Said) => Partial<Said>): Forge =>
  (signed, { actor }) =>
    resigned(rewritten(signed, change), actor);

const FORGERIES: Readonly<Record<string, Forge>> = {
  'a flipped character of the text': (signed) => ({ ...signed, text: flipped(signed.text) }),
  // The last character carries bits that no byte has.
  'a flipped character of the signature': (signed) => ({ ...signed, signature: flipped(signed.signature, 84) }),
  'the key of another patient': (signed) => resigned(signed.text, otherPatient),
  'the key of a nurse': (signed) => resigned(signed.text, consortium.actor('nurse-a')),
  'a later version under the old signature': unsigned(({ version }) => ({ version: version + 1 })),
  'another id under the old signature': unsigned(({ id }) => ({ id: `${id[0]}${randomId<string>()}` })),
  'another channel': wrong(() => ({ channel: 'other' })),
  'another patient': wrong(() => ({ patientId: otherPatient.memberId })),
  'another key epoch': wrong(() => ({ keyEpoch: 1 })),
  'a version too far': wrong(({ version }) => ({ version: version + 2 })),
  'another kind': wrong(({ kind }) => ({ kind: kind === 'record' ? 'grant' : 'record' })),
  'another signer named': wrong(() => ({ by: 'nurse-a' as never })),
};

type Attempt = { readonly actor: ChainActor; readonly name: TransactionName; readonly args: readonly string[] };

/** Endorses without committing: what was accepted is written nowhere. */
async function isAccepted({ actor, name, args }: Attempt): Promise<boolean> {
  counts.tried += 1;
  try {
    await consortium.simulate(actor, name, args);
    return true;
  } catch (error) {
    if (error instanceof Refused) return false;
    throw error;
  }
}

async function solved({ actor, transaction, business }: Honest): Promise<readonly [string, string]> {
  const tip = await consortium.tip(actor, patient.memberId);
  const call = { transaction, business, patientId: patient.memberId, tip };
  const { businessJson, proofJson } = prepareCall(actor, call);
  return [businessJson, proofJson];
}

async function forgedCall(honest: Honest, forge: Forge): Promise<Attempt> {
  const { actor, transaction: name, member, business } = honest;
  const forged = forge(business[member] as SignedStatement, honest);
  return { actor, name, args: await solved({ ...honest, business: { ...business, [member]: forged } }) };
}

describe('forged statements', () => {
  it.each(Object.keys(KINDS))('%s: the honest one is accepted, and no forgery', async (kind) => {
    const make = KINDS[kind];
    if (make === undefined) throw new Error(kind);
    const honest = make();
    expect(await isAccepted({ actor: honest.actor, name: honest.transaction, args: await solved(honest) })).toBe(true);
    const attempts = Array.from({ length: ROUNDS }, () => Object.entries(FORGERIES)).flat();
    for (const [name, forge] of attempts)
      if (await isAccepted(await forgedCall(make(), forge))) counts.accepted.push(`${kind}: ${name}`);
    expect(counts.accepted).toEqual([]);
  });

  it('of who wrote records: none is accepted', async () => {
    const set = { patientId: patient.memberId, setId: randomId() as never, records: [recordOf()] };
    const signatureBy = (author: ChainActor, change: object = {}) => signRecordSet(author, { ...set, ...change });
    for (const authorSignature of [
      signatureBy(otherPatient),
      signatureBy(doctor),
      signatureBy(patient, { channel: 'other' }),
      signatureBy(patient, { setId: randomId() }),
      signatureBy(patient, { records: [recordOf({ class: 'Condition' })] }),
      signatureBy(patient, { patientId: otherPatient.memberId }),
      ...Array.from({ length: 20 }, () => flipped(signatureBy(patient), 84)),
    ]) {
      const business = about({ purpose: 'PATRQT', setId: set.setId, record: recordOf(), authorSignature });
      const call: Honest = { actor: patient, transaction: 'records:add', member: '', business };
      expect(await isAccepted({ actor: patient, name: 'records:add', args: await solved(call) })).toBe(false);
    }
  });
});

describe('nonces that were solved for something else', () => {
  it.each(Object.keys(KINDS))('%s: stale, precomputed, stolen or guessed, none is accepted', async (kind) => {
    const honest = KINDS[kind]?.();
    if (honest === undefined) throw new Error(kind);
    const [businessJson, proofJson] = await solved(honest);
    const tip = await consortium.tip(honest.actor, patient.memberId);
    const { transaction, business, actor } = honest;
    const proofFor = (change: object, solver = actor) =>
      prepareCall(solver, { transaction, business, patientId: patient.memberId, tip, ...change }).proofJson;
    const proofs = [
      proofFor({ business: { ...business, more: 1 } }),
      proofFor({ transaction: 'audit:readLog' }),
      proofFor({ channel: 'other' }),
      proofFor({ patientId: otherPatient.memberId }),
      proofFor({}, consortium.actor('nurse-a')),
      proofFor({ tip: { ...tip, sequence: tip.sequence + 1 } }),
      proofFor({ tip: { ...tip, sequence: Math.max(0, tip.sequence - 1) || tip.sequence + 2 } }),
      proofFor({ tip: { ...tip, previous: '00'.repeat(32) } }),
      proofFor({ tip: { ...tip, root: '11'.repeat(32) } }),
      guessed(honest, businessJson, proofJson),
    ];
    for (const proof of proofs)
      expect(await isAccepted({ actor, name: transaction, args: [businessJson, proof] })).toBe(false);
  });

  it('a call that was committed is not accepted again', async () => {
    const group = signStatement(patient, { kind: 'group', id: randomId('c'), body: { members: [] } });
    const business = about({ group });
    const args = await solved({ actor: patient, transaction: 'consents:setGroup', member: 'group', business });
    await consortium.invoke(patient, 'consents:setGroup', args);
    expect(await isAccepted({ actor: patient, name: 'consents:setGroup', args })).toBe(false);
  });

  it('at least 500 were tried in all, and none was accepted', () => {
    expect(counts.tried).toBeGreaterThanOrEqual(500);
    expect(counts.accepted).toEqual([]);
  });
});

/** A nonce that misses the target. */
function guessed({ actor, transaction }: Honest, businessJson: string, proofJson: string): string {
  const proof = parseLaneProof(proofJson);
  const { memberId, keyHash } = actor;
  const header = headerOf({
    channel: CHANNEL,
    transaction,
    businessJson,
    memberId,
    keyHash,
    patientId: patient.memberId,
    tip: proof,
  });
  return formatLaneProof({ ...proof, nonce: wrongNonce(headerHash(header), proof.difficulty) });
}
