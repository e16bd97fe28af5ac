import {
  type Basis,
  type EvidenceAnswer,
  type GrantId,
  type GroupId,
  type Grantee,
  grantOf,
  type MemberId,
  type Outcome,
  type PatientId,
  parsePolicyStatement,
  parseStatement,
  parseTransactionInput,
  type QueryInput,
  type RepresentationId,
  type SignedStatement,
} from '@medledger/chaincode/domain';
import type { LedgerTransaction } from '../../ledger/ledger-block.js';
import type { SaidEntry } from '../chain-views.js';

export interface EvidencePorts {
  readonly evidence: (input: QueryInput<'consents:evidence'>) => Promise<EvidenceAnswer>;
  readonly transactionById: (transactionId: string) => Promise<LedgerTransaction>;
}

export interface Decided {
  readonly patientId: PatientId;
  readonly memberId: MemberId;
  readonly outcome: Outcome;
  readonly writes: LedgerTransaction['writes'];
  /** What was said before, newest first. */
  readonly said: readonly SaidEntry[];
}

type Question = QueryInput<'consents:evidence'>;
type GrantEvidence = EvidenceAnswer['grants'][number];

const USES_PREFIX = 'uses~';
/** How many people may have signed what one decision rests on; each costs a question. */
const SIGNERS_MAX = 50;

/**
 * What was signed behind a decision, as it stood when it was made: what was altered or taken back since is found again
 * in the transactions that said it. Keys and register documents are those of now.
 */
export async function evidenceThen(ports: EvidencePorts, decided: Decided): Promise<EvidenceAnswer> {
  const { patientId, memberId, outcome } = decided;
  const now = await ports.evidence({ patientId, memberId, ...namedBy(outcome) });
  const past = new PastStatements(ports, decided.said);
  const bases = basesOf(outcome);
  const grants = await inTurn(now.grants, (grant) => grantThen(past, grant, bases));
  const policy = await past.newest(['policy', 'register'], () => true);
  const groups = await groupsThen(past, grants, policy);
  const delegations = now.delegations.map(({ statement }) => ({ statement }));
  const given = grants.flatMap(({ stored }) => (stored === undefined ? [] : [stored.grant]));
  const signed = [...groups, ...given, ...delegations.map(({ statement }) => statement)];
  const { policy: _newer, ...standing } = now;
  return {
    ...standing,
    ...(policy === undefined ? {} : { policy }),
    ...(await speakersThen(ports, decided, { now, signed: policy === undefined ? signed : [policy, ...signed] })),
    grants,
    groups,
    delegations,
    emergencies: now.emergencies.map(({ review: _later, ...declared }) => declared),
    used: countedBy(decided),
  };
}

/** Every permit's basis. */
export function basesOf({ basis, items = [] }: Outcome): readonly Basis[] {
  const permitted = items.flatMap((item) => (item.outcome === 'permit' ? [item.basis] : []));
  return basis === undefined ? permitted : [basis, ...permitted];
}

function namedBy(outcome: Outcome): Omit<Question, 'patientId' | 'memberId'> {
  const named = [...basesOf(outcome), outcome];
  const ids = <Id>(idsIn: (basis: Basis | Outcome) => readonly (Id | undefined)[]): readonly Id[] => [
    ...new Set(named.flatMap(idsIn).filter((id) => id !== undefined)),
  ];
  return {
    grantIds: ids<GrantId>((by) => ('grantId' in by ? [by.grantId] : [])),
    delegationIds: ids((by) => ('delegationId' in by ? [by.delegationId] : [])),
    representationIds: ids<RepresentationId>((by) => ('representationId' in by ? [by.representationId] : [])),
    emergencyIds: ids((by) => ('emergencyId' in by ? [by.emergencyId] : [])),
  };
}

/** A revocation came later, or the grant would not have been the basis. */
async function grantThen(
  past: PastStatements,
  { grantId, stored }: GrantEvidence,
  bases: readonly Basis[],
): Promise<GrantEvidence> {
  if (stored === undefined) return { grantId };
  const version = bases.flatMap((basis) => versionOf(basis, grantId))[0];
  if (version === undefined || version === versionIn(stored.grant)) return { grantId, stored: { grant: stored.grant } };
  const isIt = (signed: SignedStatement): boolean => versionIn(signed) === version;
  const grant = await past.newest(['grant', 'alter', 'approve'], (said) => said.grantId === grantId, isIt);
  return grant === undefined ? { grantId } : { grantId, stored: { grant } };
}

function versionOf(basis: Basis, grantId: GrantId): readonly number[] {
  if (basis.kind === 'grant' && basis.grantId === grantId) return [basis.version];
  return basis.kind === 'delegation' && basis.grantId === grantId ? [basis.grantVersion] : [];
}

async function groupsThen(
  past: PastStatements,
  grants: readonly GrantEvidence[],
  policy: SignedStatement | undefined,
): Promise<readonly SignedStatement[]> {
  const exclusions = policy === undefined ? [] : parsePolicyStatement(policy.text).body.exclusions;
  const given = grants.flatMap(({ stored }) => (stored === undefined ? [] : [grantOf(stored).grantee]));
  const groupIds = [...new Set([...given, ...exclusions.map(({ who }) => who)].flatMap(groupIn))];
  const found = await inTurn(groupIds, (id) => past.newest(['group'], ({ groupId }) => groupId === id));
  return found.flatMap((statement) => (statement === undefined ? [] : [statement]));
}

function groupIn(who: Grantee): readonly GroupId[] {
  return who.kind === 'group' ? [who.id] : [];
}

/** Who signed for the patient or passed on, with what proves their keys and that the patient appointed them. */
async function speakersThen(
  ports: EvidencePorts,
  { patientId, said }: Decided,
  { now, signed }: { now: EvidenceAnswer; signed: readonly SignedStatement[] },
): Promise<Pick<EvidenceAnswer, 'signers' | 'representations'>> {
  const signerIds = [...new Set(signed.flatMap(signerOf))];
  const known = now.signers.filter(({ member }) => signerIds.includes(member.memberId));
  const missing = signerIds.filter((id) => !known.some(({ member }) => member.memberId === id)).slice(0, SIGNERS_MAX);
  const found = await inTurn(missing, (memberId) =>
    ports.evidence({ patientId, memberId, ...NOTHING, representationIds: appointmentsOf(said, memberId) }),
  );
  const representations = [now, ...found].flatMap((answer) => answer.representations);
  const distinct = new Map(representations.map(({ statement }) => [statement.text, { statement }]));
  const further = found.flatMap(({ actor, register }) =>
    actor === undefined ? [] : [{ member: actor, ...(register === undefined ? {} : { register }) }],
  );
  return { signers: [...known, ...further], representations: [...distinct.values()] };
}

const NOTHING = { grantIds: [], delegationIds: [], representationIds: [], emergencyIds: [] } as const;

function appointmentsOf(said: readonly SaidEntry[], memberId: MemberId): readonly RepresentationId[] {
  return said.flatMap(({ outcome: { action, grantee, representationId } }) => {
    const isTheirs = action === 'appoint' && grantee?.kind === 'person' && grantee.id === memberId;
    return isTheirs && representationId !== undefined ? [representationId] : [];
  });
}

/** Counters as the same transaction wrote them. */
function countedBy({ writes, patientId }: Pick<Decided, 'writes' | 'patientId'>): EvidenceAnswer['used'] {
  const prefix = `${USES_PREFIX}${patientId}~`;
  const counted = writes.filter(({ key }) => key.startsWith(prefix));
  return Object.fromEntries(counted.map(({ key, value }) => [key.slice(prefix.length), parseUsed(value)]));
}

/** Written by the chaincode, and endorsed. */
function parseUsed(value: string): number {
  return (JSON.parse(value) as { used: number }).used;
}

function versionIn({ text }: SignedStatement): number {
  return parseStatement(text, (body) => body).version;
}

function signerOf({ text }: SignedStatement): readonly MemberId[] {
  const { by } = parseStatement(text, (body) => body);
  return by === undefined ? [] : [by];
}

/** Statements out of the transactions that brought them. */
class PastStatements {
  readonly #ports: EvidencePorts;
  readonly #said: readonly SaidEntry[];

  constructor(ports: EvidencePorts, said: readonly SaidEntry[]) {
    this.#ports = ports;
    this.#said = said;
  }

  async newest(
    actions: readonly Outcome['action'][],
    isAbout: (outcome: Outcome) => boolean,
    isIt: (signed: SignedStatement) => boolean = () => true,
  ): Promise<SignedStatement | undefined> {
    for (const { transactionId, outcome } of this.#said) {
      if (outcome.outcome !== 'permit' || !actions.includes(outcome.action) || !isAbout(outcome)) continue;
      const signed = statementIn(await this.#ports.transactionById(transactionId));
      if (signed !== undefined && isIt(signed)) return signed;
    }
    return undefined;
  }
}

/** @returns undefined for a registration without a policy */
function statementIn({ transaction, args: [json = ''] }: LedgerTransaction): SignedStatement | undefined {
  switch (transaction) {
    case 'members:registerPatient':
      return parseTransactionInput(transaction, json).policy;
    case 'consents:setPolicy':
      return parseTransactionInput(transaction, json).policy;
    case 'consents:setGroup':
      return parseTransactionInput(transaction, json).group;
    case 'consents:grant':
    case 'consents:alter':
    case 'consents:approve':
      return parseTransactionInput(transaction, json).grant;
    default:
      return undefined;
  }
}

async function inTurn<Item, Found>(items: readonly Item[], find: (item: Item) => Promise<Found>): Promise<Found[]> {
  const found: Found[] = [];
  for (const item of items) found.push(await find(item));
  return found;
}
