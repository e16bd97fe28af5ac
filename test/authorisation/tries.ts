import { randomBytes } from 'node:crypto';
import { inHours } from '../support/care.js';
import { grantBody, NOTHING_BY_DEFAULT } from '../support/consents.js';
import type { Call } from '../support/member.js';
import { BUNDLE_BYTES } from './route-world.js';
import type { Stock, StockName } from './stock.js';

/** One attempt at what is somebody else's. */
export interface Try {
  readonly name: string;
  readonly call: Call;
  /** The attacker names itself as the patient: it may change what is its own. */
  readonly isAboutSelf: boolean;
}

type Template = (ids: Stock) => Call;
type Templates = Readonly<Record<string, Template>>;
type Method = Call['method'];

const toSelf = (id: string) => grantBody({ grantee: { kind: 'person', id } });
const plain =
  (method: Method, path: (ids: Stock) => string, body?: (ids: Stock) => object): Template =>
  (ids) => ({ method, path: path(ids), ...(body === undefined ? {} : { body: body(ids) }) });
const about = (rest: string | ((ids: Stock) => string)) => (ids: Stock) =>
  `/v1/patients/${ids.patientId}/${typeof rest === 'string' ? rest : rest(ids)}`;
const file =
  (query: (ids: Stock) => string): Template =>
  (ids) => ({
    method: 'POST',
    path: about(`records?class=Condition&${query(ids)}`)(ids),
    content: { bytes: randomBytes(8), type: 'text/plain' },
  });

/** Every route that names an object, with the ids of the object open. */
export function templatesFor(attackerId: string): Templates {
  return { ...onRecords(attackerId), ...onGrants(attackerId), ...onPeople(attackerId), ...ABOUT_EVENTS };
}

function onRecords(attackerId: string): Templates {
  const open = (query: string) => plain('GET', ({ recordId }) => `/v1/records/${recordId}/content?${query}`);
  return {
    'list records': plain('GET', about('records')),
    open: open('purpose=TREAT'),
    'open as the patient': open('purpose=PATRQT'),
    'open in an emergency': plain(
      'GET',
      (ids) => `/v1/records/${ids.recordId}/content?purpose=ETREAT&emergencyId=${ids.emergencyId}`,
    ),
    versions: plain('GET', ({ recordId }) => `/v1/records/${recordId}/versions`),
    'explain record': plain('GET', ({ recordId }) => `/v1/records/${recordId}/explanation`),
    'explain the patient': plain(
      'GET',
      about(({ patientId }) => `explanation?memberId=${patientId}`),
    ),
    'explain another': plain('GET', about('explanation?memberId=doctor-b')),
    'preview a grant': plain('POST', about('grants/preview'), () => ({ kind: 'grant', grant: toSelf(attackerId) })),
    'preview an alteration': plain('POST', about('grants/preview'), ({ grantId }) => ({
      kind: 'alter',
      grantId,
      changes: { until: inHours(2) },
    })),
    'preview a revocation': plain('POST', about('grants/preview'), ({ representationId: id }) => ({
      kind: 'revoke',
      id,
    })),
    add: file(() => 'purpose=TREAT'),
    replace: file(({ recordId }) => `replaces=${recordId}`),
    dispute: file(({ recordId }) => `disputes=${recordId}`),
  };
}

function onGrants(attackerId: string): Templates {
  return {
    'list grants': plain('GET', about('grants')),
    grant: plain('POST', about('grants'), () => toSelf(attackerId)),
    'grant of a record': plain('POST', about('grants'), ({ recordId }) =>
      grantBody({ grantee: { kind: 'person', id: attackerId }, scope: { records: [recordId] } }),
    ),
    'grant to a group': plain('POST', about('grants'), ({ groupId }) =>
      grantBody({ grantee: { kind: 'group', id: groupId } }),
    ),
    alter: plain(
      'PUT',
      ({ grantId }) => `/v1/grants/${grantId}`,
      () => ({ scope: {}, actions: ['read', 'share'] }),
    ),
    revoke: plain('DELETE', ({ grantId }) => `/v1/grants/${grantId}`),
    'revoke by the id of a delegation': plain('DELETE', ({ delegationId }) => `/v1/grants/g${delegationId.slice(1)}`),
    'list requests': plain('GET', ({ patientId }) => `/v1/access-requests?patientId=${patientId}`),
    approve: plain(
      'POST',
      ({ requestId }) => `/v1/access-requests/${requestId}/approval`,
      () => ({}),
    ),
    refuse: plain(
      'POST',
      ({ requestId }) => `/v1/access-requests/${requestId}/refusal`,
      () => ({}),
    ),
  };
}

function onPeople(attackerId: string): Templates {
  const members = { members: [attackerId] };
  const passing = ({ grantId }: Stock) => ({ grantId, ...toSelf(attackerId), until: inHours(1) });
  return {
    policy: plain('GET', about('policy')),
    'set policy': plain('PUT', about('policy'), ({ recordId: card }) => ({
      ...NOTHING_BY_DEFAULT,
      emergency: { allowed: true, labels: ['N'], excludedClasses: [], card },
    })),
    groups: plain('GET', about('care-groups')),
    'make a group': plain('POST', about('care-groups'), () => members),
    'set a group': plain(
      'PUT',
      about(({ groupId }) => `care-groups/${groupId}`),
      () => members,
    ),
    representatives: plain('GET', about('representatives')),
    appoint: plain('POST', about('representatives'), () => ({ memberId: attackerId, until: inHours(1) })),
    'end a representation': plain(
      'DELETE',
      about(({ representationId }) => `representatives/${representationId}`),
    ),
    delegations: plain('GET', about('delegations')),
    'pass on': plain('POST', about('delegations'), passing),
    'end a delegation': plain(
      'DELETE',
      about(({ delegationId }) => `delegations/${delegationId}`),
    ),
  };
}

const ABOUT_EVENTS: Templates = {
  notices: plain('GET', about('notices')),
  announce: plain('POST', about('membership-notices')),
  emergency: plain('POST', about('emergencies'), ({ recordId }) => ({
    reason: 'unconscious',
    recordIds: [recordId],
  })),
  card: plain('POST', about('emergencies'), () => ({ reason: 'unconscious' })),
  emergencies: plain('GET', about('emergencies')),
  review: plain(
    'POST',
    about(({ emergencyId }) => `emergencies/${emergencyId}/review`),
    () => ({ finding: 'unjustified', comment: 'Not so.' }),
  ),
  log: plain('GET', about('access-log')),
  'log from a cursor': plain('GET', about('access-log?cursor=1')),
  verification: plain('GET', about('verification')),
  job: plain('GET', ({ jobId }) => `/v1/jobs/${jobId}`),
  bundle: (ids) => ({
    method: 'POST',
    path: about('bundles')(ids),
    content: { bytes: BUNDLE_BYTES, type: 'application/fhir+json' },
  }),
};

/** Ids that name nothing, or are none: a path that leads elsewhere, keys of the ledger, too long, not canonical. */
const MALFORMED = [
  '-',
  '~',
  '..%2f..',
  'lane~-~admin-a',
  '%00',
  '__proto__',
  'G'.repeat(33),
  'x'.repeat(300),
  "' OR 1=1--",
  '%F0%9F%92%A9',
];
const ID_LETTER: Readonly<Partial<Record<StockName, string>>> = {
  grantId: 'g',
  requestId: 'q',
  groupId: 'c',
  representationId: 'r',
  delegationId: 'd',
  emergencyId: 'e',
};

/**
 * Everything one attacker tries: each route with the victim's ids, with ids of both mixed, with ids next to the
 * victim's, guessed and malformed.
 */
export function triesOf(attackerId: string, victim: Stock, accomplice: Stock): readonly Try[] {
  const sources: Readonly<Record<string, Stock>> = {
    "the victim's": victim,
    "the victim's objects under the accomplice": { ...victim, patientId: accomplice.patientId },
    "the accomplice's objects under the victim": { ...accomplice, patientId: victim.patientId },
    "the victim's emergency from the accomplice": {
      ...victim,
      emergencyId: accomplice.emergencyId,
      groupId: accomplice.groupId,
    },
    neighbours: mapIds(victim, (name, id) => (name === 'patientId' ? id : nextTo(id))),
    guessed: mapIds(victim, (name, id) => (name === 'patientId' ? id : guessed(name, id))),
    'guessed, of another patient': mapIds(victim, guessed),
    malformed: mapIds(victim, (name, id) => (name === 'patientId' ? id : pick(MALFORMED))),
    'malformed patient': { ...victim, patientId: pick(MALFORMED) },
  };
  return Object.entries(sources)
    .flatMap(([source, ids]) =>
      Object.entries(templatesFor(attackerId)).map(([what, template]) => ({
        name: `${attackerId}: ${what}, ids: ${source}`,
        call: template(ids),
        isAboutSelf: ids.patientId === attackerId,
      })),
    )
    .filter(({ call }) => !names(call, accomplice) || names(call, victim));
}

/** A request with ids of the accomplice alone is none across objects. */
function names({ path, body }: Call, stock: Stock): boolean {
  const request = `${path} ${JSON.stringify(body ?? {})}`;
  return Object.values(stock).some((id: string) => request.includes(id));
}

function mapIds(stock: Stock, change: (name: StockName, id: string) => string): Stock {
  const changed = Object.entries(stock).map(([name, id]) => [name, change(name as StockName, id as string)]);
  return Object.fromEntries(changed) as Stock;
}

/** One bit off. */
function nextTo(id: string): string {
  const last = Number.parseInt(id.slice(-1), 16);
  return Number.isNaN(last) ? id : `${id.slice(0, -1)}${(last ^ 1).toString(16)}`;
}

function guessed(name: StockName, id: string): string {
  const letter = ID_LETTER[name] ?? '';
  return `${letter}${randomBytes(id.length).toString('hex')}`.slice(0, id.length);
}

function pick<T>(items: readonly [T, ...T[]] | readonly T[]): T {
  return items[Math.floor(Math.random() * items.length)] as T;
}
