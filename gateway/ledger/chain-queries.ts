import {
  type AccessRequestAnswer,
  canonicalJson,
  type ConsentsAnswer,
  type ConsortiumAnswer,
  type EvidenceAnswer,
  type GrantAnswer,
  type GrantLocation,
  type HistoryAnswer,
  type LaneAnswer,
  type LaneEntry,
  type LanesAnswer,
  type LocateAnswer,
  type MemberAnswer,
  type MetadataAnswer,
  type Notice,
  type OriginAnswer,
  type Page,
  type QueryInput,
  type QueryName,
  type RecordMetadata,
  type StaffMember,
  type StoredEmergency,
  type UnreviewedAnswer,
  type VerifyLaneAnswer,
  type VersionsAnswer,
} from '@medledger/chaincode/domain';
import { askUpToDate } from './catch-up.js';
import type { Ledger, LedgerIdentity } from './ledger.js';
import { LedgerFailure } from './ledger-failure.js';

/** What each query answers. */
export interface QueryAnswers {
  'members:member': MemberAnswer;
  'members:consortium': ConsortiumAnswer;
  'members:staff': Page<StaffMember>;
  'records:list': Page<RecordMetadata>;
  'records:locate': LocateAnswer;
  'records:metadata': MetadataAnswer;
  'records:versions': VersionsAnswer;
  'records:origin': OriginAnswer;
  'consents:grants': Page<GrantAnswer>;
  'consents:requests': Page<AccessRequestAnswer>;
  'consents:accessRequest': AccessRequestAnswer;
  'consents:locateGrant': GrantLocation;
  'consents:evidence': EvidenceAnswer;
  'consents:all': ConsentsAnswer;
  'consents:mine': ConsentsAnswer;
  'consents:notices': Page<Notice>;
  'access:emergencies': Page<StoredEmergency>;
  'access:unreviewed': UnreviewedAnswer;
  'audit:head': LaneAnswer;
  'audit:entry': LaneEntry;
  'audit:lanes': LanesAnswer;
  'audit:history': HistoryAnswer;
  'audit:verifyLane': VerifyLaneAnswer;
}

export interface QueryOptions<Answer = unknown> {
  /**
   * Whether the answer holds what is looked for. Where it does not the peer may lag behind: it is asked once more when
   * it has caught up.
   */
  readonly found?: (answer: Answer) => boolean;
  /** The first answer counts: the caller has something to do where nothing is there. */
  readonly asItStands?: boolean;
  /** Only the connected organisation's peer: without this, another one answers when it cannot. */
  readonly ownPeerOnly?: boolean;
}

export interface ChainQueries {
  /** @throws LedgerFailure with the chaincode's code, or as `Ledger.evaluate` */
  query<N extends QueryName>(
    identity: LedgerIdentity,
    name: N,
    input: QueryInput<N>,
    options?: QueryOptions<QueryAnswers[N]>,
  ): Promise<QueryAnswers[N]>;
}

export function createChainQueries(ledger: Ledger): ChainQueries {
  return {
    query: async (identity, name, input, options = {}) => {
      const target = options.ownPeerOnly === true ? { endorsingOrganizations: [ledger.peerMspId] } : {};
      const args = [canonicalJson(input)];
      const ask = async () => parseAnswer(name, await ledger.evaluate(identity, name, args, target));
      if (options.asItStands === true) return ask();
      const { found } = options;
      return askUpToDate(ask, { caughtUp: () => ledger.catchUp(identity), ...(found === undefined ? {} : { found }) });
    },
  };
}

/** Members that an answer cannot be without; an empty list stands for an answer that is a list itself. */
const REQUIRED: { readonly [name in QueryName]: readonly string[] } = {
  'members:member': ['member'],
  'members:consortium': ['registerVersion', 'organisations', 'agencies'],
  'members:staff': ['items'],
  'records:list': ['items'],
  'records:locate': [],
  'records:metadata': [],
  'records:versions': [],
  'records:origin': ['authorSignature', 'digests', 'author'],
  'consents:grants': ['items'],
  'consents:requests': ['items'],
  'consents:accessRequest': ['requestId', 'patientId', 'status'],
  'consents:locateGrant': ['patientId'],
  'consents:evidence': ['grants', 'timeMs'],
  'consents:all': ['grants', 'groups'],
  'consents:mine': ['grants', 'groups'],
  'consents:notices': ['items'],
  'access:emergencies': ['items'],
  'access:unreviewed': ['counts', 'emergencies'],
  'audit:head': ['head'],
  'audit:entry': ['entryHash', 'link', 'outcome'],
  'audit:lanes': [],
  'audit:history': ['items'],
  'audit:verifyLane': ['status', 'entries'],
};

/** The chaincode of a peer wrote it; what lies inside is checked by those who rely on it, with the same parsers. */
function parseAnswer<N extends QueryName>(name: N, json: string): QueryAnswers[N] {
  const value: unknown = parseJson(name, json);
  const required = REQUIRED[name];
  const fits =
    required.length === 0
      ? Array.isArray(value)
      : typeof value === 'object' && value !== null && required.every((member) => Object.hasOwn(value, member));
  if (!fits) throw new LedgerFailure('LEDGER_REFUSED', `${name} answered in a shape that is not documented`);
  return value as QueryAnswers[N];
}

function parseJson(name: QueryName, json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new LedgerFailure('LEDGER_REFUSED', `${name} answered something that is not JSON`, { cause });
  }
}
