import {
  canonicalJson,
  errorCodeOf,
  firstHead,
  type LaneTip,
  patientGenesis,
  POLICY_ID,
  type QueryName,
  tipOf,
  type TransactionAnswer,
  TRANSACTIONS,
  type TransactionName,
} from '@medledger/chaincode/domain';
import { declaration, delegationBody, policyBody } from '../chaincode/statements.js';
import { DAY_MS, openingOf, recordOf, Refused, registrationOf } from '../chaincode/test-consortium.js';
import {
  type ChainActor,
  makePatient,
  prepareCall,
  randomId,
  signFor,
  signRecordSet,
  signRegister,
  signStatement,
} from '../support/chain-actor.js';
import { type CaseWorld, requestOf } from './chaincode-world.js';
import type { Verdict } from './rules.js';

export type FunctionName = TransactionName | QueryName;

/** What the asker would say of the patient, signed with the asker's own key. */
function stated({ actor, patient }: CaseWorld, stating: Parameters<typeof signStatement>[1]) {
  return actor.memberId === patient.memberId ? signStatement(actor, stating) : signFor(actor, patient, stating);
}

type Inputs = Readonly<Record<FunctionName, (world: CaseWorld) => object | Promise<object>>>;

const page = { limit: 50 };
const about = ({ patient }: CaseWorld) => ({ patientId: patient.memberId });
const grantStatement = (world: CaseWorld, change: { id?: string; version?: number; body?: object } = {}) => {
  const { id = randomId<string>('g'), version = 1 } = change;
  const grantee = { kind: 'person', id: 'doctor-b' };
  const body = { ...world.consortium.grantBody({ grantee }), ...change.body };
  return stated(world, { kind: 'grant', id, version, body });
};
const record = ({ actor, patient }: CaseWorld) => {
  const set = { patientId: patient.memberId, setId: randomId() as never, records: [recordOf()] };
  return { setId: set.setId, records: set.records, authorSignature: signRecordSet(actor, set) };
};

/** For each function a call that is in order in everything but, perhaps, who makes it. */
const INPUTS: Inputs = {
  'members:bootstrap': ({ consortium }) => ({
    register: signRegister(consortium.document(), [consortium.hospitalA, consortium.government]),
  }),
  'members:register': ({ consortium }) => ({
    register: signRegister({ ...consortium.document(), version: 2, members: [] }, [
      consortium.hospitalA,
      consortium.government,
    ]),
  }),
  'members:registerPatient': async ({ consortium }) => registrationOf(await makePatient(consortium.government)),
  'records:add': (world) => {
    const { setId, records, authorSignature } = record(world);
    return { ...about(world), purpose: 'TREAT', setId, record: records[0], authorSignature };
  },
  'records:addBatch': (world) => ({ ...about(world), purpose: 'TREAT', sets: [record(world)] }),
  'access:open': ({ patient, setId }) => openingOf(patient, [`${setId}00`]),
  'access:emergency': ({ consortium, actor, patient, setId }) => {
    const { patientId, oneTimeKey } = openingOf(patient, []);
    return {
      patientId,
      oneTimeKey,
      declaration: declaration(consortium, actor, { patient }),
      recordIds: [`${setId}00`],
    };
  },
  'access:review': (world) => ({ ...about(world), emergencyId: world.emergencyId, finding: 'justified' }),
  'consents:request': ({ consortium, patient }) => requestOf(consortium, patient, randomId('q')),
  'consents:approve': (world) => {
    const { requestId } = world;
    return { ...about(world), requestId, grant: grantStatement(world, { body: { requestId } }) };
  },
  'consents:refuse': (world) => ({ ...about(world), requestId: world.requestId }),
  'consents:grant': (world) => ({ ...about(world), grant: grantStatement(world) }),
  'consents:alter': (world) => ({ ...about(world), grant: grantStatement(world, { id: world.grantId, version: 2 }) }),
  'consents:revoke': (world) => ({
    ...about(world),
    revocation: stated(world, { kind: 'revocation', id: world.grantId, version: 2, body: {} }),
  }),
  'consents:setPolicy': (world) => ({
    ...about(world),
    policy: stated(world, { kind: 'policy', id: POLICY_ID, version: 2, body: policyBody() }),
  }),
  'consents:setGroup': (world) => ({
    ...about(world),
    group: stated(world, { kind: 'group', id: randomId('c'), body: { members: ['doctor-b'] } }),
  }),
  'consents:appoint': (world) => {
    const { timeMs } = world.consortium;
    const body = { representative: 'doctor-b', fromMs: timeMs, untilMs: timeMs + DAY_MS };
    return { ...about(world), representation: stated(world, { kind: 'representation', id: randomId('r'), body }) };
  },
  'consents:delegate': (world) => {
    const body = delegationBody(world.consortium, { parentId: world.grantId });
    return { ...about(world), delegation: stated(world, { kind: 'delegation', id: randomId('d'), body }) };
  },
  'consents:announce': about,
  'audit:readLog': about,
  'members:member': ({ patient }) => ({ memberId: patient.memberId }),
  'members:consortium': () => ({}),
  'members:staff': () => page,
  'records:list': (world) => ({ ...about(world), ...page }),
  'records:metadata': ({ setId }) => ({ recordIds: [`${setId}00`] }),
  'records:versions': ({ setId }) => ({ recordId: `${setId}00` }),
  'records:origin': ({ setId }) => ({ recordId: `${setId}00` }),
  'records:locate': ({ setId }) => ({ recordIds: [`${setId}00`] }),
  'consents:grants': (world) => ({ ...about(world), ...page }),
  'consents:requests': (world) => ({ ...about(world), ...page }),
  'consents:accessRequest': ({ requestId }) => ({ requestId }),
  'consents:all': about,
  'consents:mine': about,
  'consents:notices': (world) => ({ ...about(world), ...page }),
  'consents:locateGrant': ({ grantId }) => ({ grantId }),
  'consents:evidence': (world) => ({
    ...about(world),
    memberId: 'doctor-b',
    grantIds: [world.grantId],
    delegationIds: [],
    representationIds: [],
    emergencyIds: [],
  }),
  'access:emergencies': (world) => ({ ...about(world), ...page }),
  'access:unreviewed': () => ({}),
  'audit:head': about,
  'audit:entry': (world) => ({ ...about(world), memberId: world.patient.memberId, sequence: 0 }),
  'audit:lanes': about,
  'audit:history': (world) => ({ ...about(world), ...page }),
  'audit:verifyLane': (world) => ({ ...about(world), memberId: world.patient.memberId }),
};

/** Makes one call and writes nothing: what would be endorsed. */
export async function probe(world: CaseWorld, name: FunctionName): Promise<Verdict> {
  const input = await INPUTS[name](world);
  try {
    const isTransaction = Object.hasOwn(TRANSACTIONS, name);
    return isTransaction
      ? await probeTransaction(world, name as TransactionName, input)
      : await probeQuery(world, name, input);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return errorCodeOf(error.message) ?? error.message;
  }
}

async function probeTransaction(world: CaseWorld, name: TransactionName, business: object): Promise<Verdict> {
  const { consortium, actor } = world;
  const args = name === 'members:bootstrap' ? [canonicalJson({ ...business }), ''] : await solve(world, name, business);
  const { payload } = await consortium.simulate(actor, name, args);
  const { outcome } = JSON.parse(payload) as TransactionAnswer;
  return outcome.outcome === 'permit' ? 'permit' : (outcome.code ?? 'refused');
}

async function solve(world: CaseWorld, transaction: TransactionName, business: object): Promise<readonly string[]> {
  const { actor } = world;
  const patientId = 'patientId' in business ? (business.patientId as ChainActor['memberId']) : undefined;
  const tip = await tipFor(world, transaction, business);
  const { businessJson, proofJson } = prepareCall(actor, {
    transaction,
    business,
    tip,
    ...(patientId === undefined ? {} : { patientId }),
  });
  return [businessJson, proofJson];
}

/** Who is unknown finds no lane of its own, and tries with the first place of one. */
async function tipFor(
  { consortium, actor, patient }: CaseWorld,
  name: TransactionName,
  business: object,
): Promise<LaneTip> {
  if (name === 'members:registerPatient')
    return tipOf(
      firstHead(
        patientGenesis({ channel: consortium.peer.channel, ...(business as ReturnType<typeof registrationOf>) }),
      ),
    );
  try {
    return await consortium.tip(actor, 'patientId' in business ? patient.memberId : ('-' as never));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return tipOf(firstHead('00'.repeat(32)));
  }
}

/** Lists that are empty tell nothing. */
async function probeQuery({ consortium, actor }: CaseWorld, name: string, input: object): Promise<Verdict> {
  const answer = await consortium.query<{ items?: readonly unknown[] } | readonly unknown[]>(
    actor,
    name as QueryName,
    input,
  );
  const items = Array.isArray(answer) ? answer : 'items' in answer ? answer.items : undefined;
  return items !== undefined && items.length === 0 ? 'nothing' : 'permit';
}
