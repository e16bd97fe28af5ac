import {
  type AccessDecision,
  type Basis,
  canonicalJson,
  type Consents,
  decideAccess,
  DomainError,
  type Outcome,
  type Purpose,
  type RecordSet,
  recordAt,
  type StoredRecord,
  type TransactionInput,
} from '../../domain/index.js';
import type { Reads, Request, Rule } from '../../state/extend-lane.js';
import type { Ruling } from '../../state/lane-call.js';
import { memberKey, recordSetKey } from '../../state/keys.js';
import { actorOf, loadConsents } from '../../state/load-consents.js';
import { readRecordSet, recordSetWrites, relationWrites } from '../../state/record-store.js';
import { requirePatient } from '../../state/register-store.js';
import type { Write } from '../../state/world-state.js';
import { requirePatientOrStaff } from '../acting-roles.js';
import { requireAuthorSignature } from './author-signature.js';
import { versionsOf } from './record-relations.js';

type NewSets = TransactionInput<'records:addBatch'>['sets'];
type NewSet = NewSets[number];
type Adding = Request<'records:add'> | Request<'records:addBatch'>;

export const addReads: Reads<'records:add'> = ({ patientId, setId }) => [memberKey(patientId), recordSetKey(setId)];

export const addBatchReads: Reads<'records:addBatch'> = ({ patientId, sets }) => [
  memberKey(patientId),
  ...sets.map(({ setId }) => recordSetKey(setId)),
];

export const addRecord: Rule<'records:add'> = (request) => {
  const { setId, record, authorSignature } = request.input;
  return addSets(request, [{ setId, records: [record], authorSignature }]);
};

export const addRecordBatch: Rule<'records:addBatch'> = (request) => addSets(request, request.input.sets);

/** All or nothing: one record that may not be added keeps the whole call out, and the refusal is written. */
async function addSets(request: Adding, sets: NewSets): Promise<Ruling> {
  const { state, channel, actor, input, timeMs } = request;
  requirePatientOrStaff(actor);
  const { patientId, purpose } = input;
  const patient = actor.memberId === patientId ? actor : await requirePatient(state, patientId);
  for (const set of sets) {
    requireAuthorSignature(set, { channel, patientId, author: actor });
    if ((await readRecordSet(state, set.setId)) !== undefined)
      throw new DomainError('RECORD_EXISTS', `record set ${set.setId} is stored`);
  }
  const consents = await loadConsents(state, { patientId, actor });
  const decisions = sets.flatMap(({ records }) => records.map((record) => decide(request, record, consents)));
  const refusal = decisions.find((decision) => decision.outcome === 'deny');
  if (refusal?.outcome === 'deny') return { outcome: { action: 'add', outcome: 'deny', code: refusal.code, purpose } };
  const versions = await versionsOf(sets, { state, actor, patientId, consents, timeMs });
  const common = {
    patientId,
    authorId: actor.memberId,
    // The register's, which the caller's certificate was compared with.
    authorOrganisation: actor.organisation,
    addedAtMs: timeMs,
    keyEpoch: patient.keyEpoch ?? 0,
  };
  return {
    outcome: permitOf(sets, decisions, purpose),
    writes: ({ txId }) => sets.flatMap((set) => setWrites({ ...common, ...set, ...versions(set), txId })),
  };
}

function decide(request: Adding, record: StoredRecord, consents: Consents): AccessDecision {
  const { actor, input, timeMs } = request;
  const { patientId, purpose } = input;
  return decideAccess({ actor: actorOf(actor), patientId, record, action: 'add', purpose, atMs: timeMs }, consents);
}

function setWrites(set: RecordSet): readonly Write[] {
  const relations = set.records.flatMap((_, index) => {
    const record = recordAt(set, index);
    return record === undefined ? [] : relationWrites(record);
  });
  return [...recordSetWrites(set), ...relations];
}

function permitOf(sets: NewSets, decisions: readonly AccessDecision[], purpose: Purpose): Outcome {
  const basis = commonBasis(decisions);
  return {
    action: 'add',
    outcome: 'permit',
    ...(basis === undefined ? {} : { basis }),
    ...(basis?.kind === 'representation' ? { representationId: basis.representationId } : {}),
    purpose,
    sets: sets.map(({ setId, records }: NewSet) => ({ setId, classes: records.map((record) => record.class) })),
  };
}

/** Undefined where the records of one call stand on different grants: one of them would be a half truth. */
function commonBasis(decisions: readonly AccessDecision[]): Basis | undefined {
  const bases = decisions.flatMap((decision) => (decision.outcome === 'permit' ? [decision.basis] : []));
  return new Set(bases.map((basis) => canonicalJson(basis))).size === 1 ? bases[0] : undefined;
}
