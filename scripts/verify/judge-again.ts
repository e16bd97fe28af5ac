import {
  type AccessDecision,
  type AccessRequest,
  canonicalJson,
  type Consents,
  decideAccess,
  declarationRefusal,
  decideOpenings,
  type Emergency,
  emergencyOf,
  type ItemOutcome,
  type LaneEntry,
  type Member,
  type Outcome,
  parseLaneEntry,
  parseOutcome,
  parseTransactionInput,
  placeOf,
  type PatientId,
  type RecordId,
  type RecordMetadata,
  recordAt,
  type Spent,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import type { LedgerTransaction } from '../../gateway/ledger/ledger-block.js';
import { actorFrom, type ReplayedState } from './replayed-state.js';
import { ENTRY_PREFIX, USES_PREFIX } from './state-keys.js';

/** What a block says of a transaction that decided something. */
export type DecidingTransaction = Pick<LedgerTransaction, 'transaction' | 'args' | 'writes'>;

/** A decision of the past, with what it is decided again from. */
interface Decided {
  readonly state: ReplayedState;
  readonly actor: Member;
  readonly entry: LaneEntry;
  readonly outcome: Outcome;
  readonly businessJson: string;
  readonly writes: LedgerTransaction['writes'];
}

type Judge = (decided: Decided) => readonly string[];

const JUDGES: Readonly<Record<string, Judge>> = {
  'access:open': judgeOpening,
  'access:emergency': judgeEmergency,
  'records:add': (decided) => {
    const { patientId, purpose, record } = parseTransactionInput('records:add', decided.businessJson);
    return judgeAddition(decided, { patientId, purpose, records: [record] });
  },
  'records:addBatch': (decided) => {
    const { patientId, purpose, sets } = parseTransactionInput('records:addBatch', decided.businessJson);
    return judgeAddition(decided, { patientId, purpose, records: sets.flatMap(({ records }) => records) });
  },
};

/** Whether a transaction decides about records at all. */
export function isDeciding({ transaction }: Pick<LedgerTransaction, 'transaction'>): boolean {
  return transaction !== undefined && Object.hasOwn(JUDGES, transaction);
}

/**
 * Decides again what a valid transaction decided, from the state as it was before it.
 *
 * @returns what differs, one sentence each
 * @throws DomainError where arguments, entry or statements are not what the chaincode takes
 */
export function judgeAgain(state: ReplayedState, transaction: DecidingTransaction): readonly string[] {
  const judge = JUDGES[transaction.transaction ?? ''];
  const written = transaction.writes.find(({ key }) => key.startsWith(ENTRY_PREFIX));
  if (judge === undefined || written === undefined) return ['it wrote no entry'];
  const entry = parseLaneEntry(written.value);
  const actor = state.member(entry.memberId);
  if (actor === undefined) return [`the register had no member ${entry.memberId}`];
  const [businessJson = ''] = transaction.args;
  const outcome = parseOutcome(entry.outcome);
  return judge({ state, actor, entry, outcome, businessJson, writes: transaction.writes });
}

function judgeOpening(decided: Decided): readonly string[] {
  const { state, actor, entry, businessJson } = decided;
  const { patientId, purpose, recordIds } = parseTransactionInput('access:open', businessJson);
  const common = { actor: actorFrom(actor), patientId, action: 'read', purpose, atMs: entry.timeMs } as const;
  return judgeItems(decided, { common, recordIds, consents: state.consents(patientId) });
}

function judgeEmergency(decided: Decided): readonly string[] {
  const { state, actor, entry, outcome, businessJson } = decided;
  const { patientId, declaration, recordIds } = parseTransactionInput('access:emergency', businessJson);
  const emergency = emergencyOf(declaration);
  const consents = { ...state.consents(patientId), emergencies: [emergency] };
  const refused = emergencyRefusal(decided, emergency, consents);
  if (refused !== undefined) return outcome.code === refused ? [] : [`it was to be refused: ${refused}`];
  const { card } = consents.policy?.emergency ?? {};
  const opened = recordIds.length > 0 || card === undefined ? recordIds : [card];
  const { emergencyId } = emergency;
  const common = { actor: actorFrom(actor), patientId, action: 'read', purpose: 'ETREAT', emergencyId } as const;
  return judgeItems(decided, { common: { ...common, atMs: entry.timeMs }, recordIds: opened, consents });
}

function emergencyRefusal({ state, actor, entry }: Decided, emergency: Emergency, consents: Consents) {
  const stored = state.emergency(emergency.patientId, emergency.emergencyId);
  const { timeMs: atMs } = entry;
  if (stored === undefined) {
    const open = state.openEmergencies(actor.memberId);
    return declarationRefusal({ actor: actorFrom(actor), open, atMs }, consents);
  }
  const isOver = atMs >= emergency.untilMs || stored.review?.finding === 'unjustified';
  return isOver ? 'EMERGENCY_ENDED' : undefined;
}

function judgeItems(
  decided: Decided,
  asked: {
    readonly common: Omit<AccessRequest, 'record'>;
    readonly recordIds: readonly RecordId[];
    readonly consents: Consents;
  },
): readonly string[] {
  const { common, recordIds, consents } = asked;
  const records = recordIds.map((recordId) => readRecord(decided.state, common.patientId, recordId));
  const { decisions, spent } = decideOpenings(common, records, consents);
  const alike = asKnown(consents, common.atMs).map((known) => decideOpenings(common, records, known).decisions);
  const items = decided.outcome.items ?? [];
  const differing = recordIds.flatMap((recordId, index) => {
    const again = decisions[index];
    const before = items[index];
    const isSame = before?.recordId === recordId && alike.some((others) => say(others[index]) === say(before));
    return isSame ? [] : [`record ${recordId}: ${say(before)} then, ${say(again)} by what was signed`];
  });
  const surplus = items.length > recordIds.length ? ['it decided about more records than were asked for'] : [];
  return [...differing, ...surplus, ...judgeCounters(decided, { consents, spent, patientId: common.patientId })];
}

/** Every counted permit is in the counter that the same transaction wrote, and nothing else is. */
function judgeCounters(
  { writes }: Decided,
  counted: { readonly consents: Consents; readonly spent: Spent; readonly patientId: PatientId },
): readonly string[] {
  const { consents, spent, patientId } = counted;
  const due = Object.entries(spent).map(([grantId, count]) => {
    const before = Object.entries(consents.used).find(([id]) => id === grantId)?.[1] ?? 0;
    return [`${USES_PREFIX}${patientId}~${grantId}`, canonicalJson({ used: before + (count ?? 0) })];
  });
  const written = writes.filter(({ key }) => key.startsWith(USES_PREFIX)).map(({ key, value }) => [key, value]);
  const isSame =
    canonicalJson(due.sort().map((pair) => [...pair])) === canonicalJson(written.sort().map((pair) => [...pair]));
  return isSame ? [] : [`it counted ${JSON.stringify(written)}, due were ${JSON.stringify(due)}`];
}

function judgeAddition(
  { state, actor, entry, outcome }: Decided,
  added: Pick<AccessRequest, 'patientId' | 'purpose'> & { readonly records: readonly StoredRecord[] },
): readonly string[] {
  const { patientId, purpose, records } = added;
  const consents = state.consents(patientId);
  const common = { actor: actorFrom(actor), patientId, action: 'add', purpose, atMs: entry.timeMs } as const;
  const [again, ...others] = asKnown(consents, entry.timeMs).map((known) => {
    const decisions = records.map((record) => decideAccess({ ...common, record }, known));
    const refusal = decisions.find((decision) => decision.outcome === 'deny');
    return say(refusal?.outcome === 'deny' ? refusal : commonDecision(decisions));
  });
  const isSame = [again, ...others].includes(say(outcome));
  return isSame ? [] : [`adding: ${say(outcome)} then, ${again} by what was signed`];
}

/**
 * All that was signed, and what of it a chaincode may have looked at: a grant or delegation that has ended leaves the
 * index of its holder with the next one that is given there. It permits nothing either way; only the code of a refusal
 * then says that nothing was given instead of that it has ended.
 */
function asKnown(consents: Consents, atMs: number): readonly Consents[] {
  const isHeld = ({ revoked, untilMs }: { readonly revoked: boolean; readonly untilMs: number }) =>
    !revoked && atMs < untilMs;
  const delegations = consents.delegations.filter(isHeld);
  const parents = new Set<string>(delegations.map(({ parentId }) => parentId));
  const held = consents.grants.filter(isHeld);
  const heldOrParent = consents.grants.filter((grant) => isHeld(grant) || parents.has(grant.grantId));
  return [
    consents,
    { ...consents, delegations },
    { ...consents, grants: held, delegations },
    { ...consents, grants: heldOrParent },
    { ...consents, grants: heldOrParent, delegations },
  ];
}

/** Records of one call that stand on different rules name none. */
function commonDecision(decisions: readonly AccessDecision[]): Pick<Outcome, 'outcome' | 'code' | 'basis'> {
  const bases = decisions.flatMap((decision) => (decision.outcome === 'permit' ? [decision.basis] : []));
  const [first] = bases;
  const isOne = new Set(bases.map((basis) => canonicalJson(basis))).size === 1;
  return { outcome: 'permit', ...(isOne && first !== undefined ? { basis: first } : {}) };
}

/** Another patient's record is one that is not there. */
function readRecord(state: ReplayedState, patientId: PatientId, recordId: RecordId): RecordMetadata | undefined {
  const { setId, index } = placeOf(recordId);
  const set = state.recordSet(setId);
  return set?.patientId === patientId ? recordAt(set, index) : undefined;
}

/** A decision in one comparable line. */
function say(decision: AccessDecision | ItemOutcome | Pick<Outcome, 'outcome' | 'code' | 'basis'> | undefined): string {
  if (decision === undefined) return 'nothing';
  if (decision.outcome === 'deny') return `refused, ${'code' in decision ? decision.code : 'no code'}`;
  const basis = 'basis' in decision && decision.basis !== undefined ? canonicalJson(decision.basis) : 'no one rule';
  return `permitted by ${basis}`;
}
