import {
  type AccessDecision,
  type Basis,
  canonicalJson,
  decideAccess,
  DomainError,
  type Grant,
  limits,
  type Outcome,
  type Purpose,
  type RecordSet,
  type StoredRecord,
  type TransactionInput,
} from '../../domain/index.js';
import type { Request, Rule } from '../../state/extend-lane.js';
import type { Ruling } from '../../state/lane-call.js';
import { readGrantsFor } from '../../state/grant-store.js';
import { readRecordSet, recordSetWrites } from '../../state/record-store.js';
import { requirePatient } from '../../state/register-store.js';
import { requirePatientOrStaff } from '../acting-roles.js';

type NewSets = TransactionInput<'records:addBatch'>['sets'];
type Adding = Request<'records:add'> | Request<'records:addBatch'>;

export const addRecord: Rule<'records:add'> = (request) => {
  const { setId, record } = request.input;
  return addSets(request, [{ setId, records: [record] }]);
};

export const addRecordBatch: Rule<'records:addBatch'> = (request) => addSets(request, request.input.sets);

/** All or nothing: one record that may not be added keeps the whole call out, and the refusal is written. */
async function addSets(request: Adding, sets: NewSets): Promise<Ruling> {
  const { state, actor, input, timeMs } = request;
  requirePatientOrStaff(actor);
  requireBounded(sets);
  const { patientId, purpose } = input;
  const patient = actor.memberId === patientId ? actor : await requirePatient(state, patientId);
  for (const { setId } of sets)
    if ((await readRecordSet(state, setId)) !== undefined)
      throw new DomainError('RECORD_EXISTS', `record set ${setId} is stored`);
  const grants = await readGrantsFor(state, patientId, actor);
  const decisions = sets.flatMap(({ records }) => records.map((record) => decide(request, record, grants)));
  const refusal = decisions.find((decision) => decision.outcome === 'deny');
  if (refusal?.outcome === 'deny') return { outcome: { action: 'add', outcome: 'deny', code: refusal.code, purpose } };
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
    writes: ({ txId }) =>
      sets.flatMap(({ setId, records }) => recordSetWrites({ ...common, setId, records, txId } satisfies RecordSet)),
  };
}

function requireBounded(sets: NewSets): void {
  const total = sets.reduce((count, { records }) => count + records.length, 0);
  if (total > limits.RECORDS_PER_BATCH_MAX)
    throw new DomainError(
      'INPUT_INVALID',
      `/sets hold ${total} records, at most ${limits.RECORDS_PER_BATCH_MAX} go in one call`,
    );
  if (new Set(sets.map(({ setId }) => setId)).size !== sets.length)
    throw new DomainError('INPUT_INVALID', '/sets names a set twice');
}

function decide(request: Adding, record: StoredRecord, grants: readonly Grant[]): AccessDecision {
  const { actor, input, timeMs } = request;
  const { patientId, purpose } = input;
  return decideAccess({ actor, patientId, record, action: 'add', purpose, atMs: timeMs }, grants);
}

function permitOf(sets: NewSets, decisions: readonly AccessDecision[], purpose: Purpose): Outcome {
  const basis = commonBasis(decisions);
  return {
    action: 'add',
    outcome: 'permit',
    ...(basis === undefined ? {} : { basis }),
    purpose,
    sets: sets.map(({ setId, records }) => ({ setId, classes: records.map((record) => record.class) })),
  };
}

/** Undefined where the records of one call stand on different grants: one of them would be a half truth. */
function commonBasis(decisions: readonly AccessDecision[]): Basis | undefined {
  const bases = decisions.flatMap((decision) => (decision.outcome === 'permit' ? [decision.basis] : []));
  return new Set(bases.map((basis) => canonicalJson(basis))).size === 1 ? bases[0] : undefined;
}
