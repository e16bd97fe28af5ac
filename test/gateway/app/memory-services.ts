import { createHash, randomBytes } from 'node:crypto';
import type { AccessRequestAnswer } from '@medledger/chaincode/domain';
import { MedledgerError } from '../../../gateway/medledger-error.js';
import type { GrantInput, ListedGrant } from '../../../gateway/services/consent-services.js';
import type {
  AddedRecord,
  Caller,
  ExplorerBlock,
  Job,
  ListedRecord,
  LogItem,
  PageOf,
  Services,
} from '../../../gateway/services/medledger.js';

/** A memory double of the use cases: it keeps what it is given and decides as little as the routes' tests need. */
export interface MemoryServices extends Services {
  /** Names of the use cases that ran, in order. */
  readonly calls: string[];
  /** The next call of this use case rejects with the error. */
  failNext(name: keyof Services, error: Error): void;
  /** The next call of this use case waits for the promise first. */
  holdNext(name: keyof Services, until: Promise<void>): void;
  readonly state: {
    missing: string[];
    jobStatus?: Job['status'];
    lastBundle?: object;
    lastGrant?: GrantInput;
    lastInput?: object;
  };
}

const BLOCK: ExplorerBlock = {
  number: 7,
  hash: 'aa'.repeat(32),
  previousHash: 'bb'.repeat(32),
  dataHash: 'cc'.repeat(32),
  timeMs: Date.UTC(2026, 10, 20),
  transactions: [
    {
      transactionId: '12'.repeat(32),
      blockNumber: 7,
      index: 0,
      timeMs: Date.UTC(2026, 10, 20),
      validationCode: 'VALID',
      transaction: 'records:add',
      creator: { organisation: 'HospitalAMSP', memberId: 'p-1' },
      endorsers: ['HospitalAMSP', 'GovernmentMSP'],
    },
  ],
};

const LOG_ITEM: LogItem = {
  timeMs: Date.UTC(2026, 10, 20),
  action: 'open',
  actor: {
    memberId: 'doctor-a',
    role: 'doctor',
    agencyId: 'ward-1',
    organisation: 'HospitalAMSP',
    keyCustody: 'wallet',
  },
  recordIds: [`${'ab'.repeat(16)}00`],
  purpose: 'TREAT',
  outcome: 'deny',
  code: 'NO_GRANT',
  transactionId: '12'.repeat(32),
  blockNumber: 7,
  sequence: 3,
  hash: 'dd'.repeat(32),
};

const hexId = (prefix: string, bytes: number) => `${prefix}${randomBytes(bytes).toString('hex')}`;
const transactionId = () => hexId('', 32);

export function memoryServices(): MemoryServices {
  const failures = new Map<string, Error>();
  const holds = new Map<string, Promise<void>>();
  const calls: string[] = [];
  const state: MemoryServices['state'] = { missing: [] };
  const useCases = {
    ...memberUseCases(),
    ...recordUseCases(state),
    ...consentUseCases(state),
    ...auditUseCases(state),
  };
  const observed = Object.fromEntries(
    Object.entries(useCases).map(([name, useCase]) => [
      name,
      async (...args: never[]) => {
        calls.push(name);
        const held = holds.get(name);
        holds.delete(name);
        await held;
        const failure = failures.get(name);
        failures.delete(name);
        if (failure !== undefined) throw failure;
        return (useCase as (...given: never[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Services;
  return {
    ...observed,
    calls,
    state,
    failNext: (name, error) => void failures.set(name, error),
    holdNext: (name, until) => void holds.set(name, until),
  };
}

function memberUseCases() {
  const passwords = new Map<string, string>([['doctor-a', 'doctor password']]);
  const sessions = new Map<string, Caller>();
  return {
    signUpPatient: async ({ password }: { password: string }) => {
      if (password.length < 12) throw new MedledgerError('WEAK_PASSWORD');
      const patientId = hexId('p-', 20);
      passwords.set(patientId, password);
      return { patientId };
    },
    signIn: async ({ memberId, password }: { memberId: string; password: string }) => {
      if (passwords.get(memberId) !== password) throw new MedledgerError('INVALID_CREDENTIALS');
      const accessToken = randomBytes(24).toString('base64url');
      const role = memberId.startsWith('p-') ? 'patient' : 'doctor';
      sessions.set(accessToken, { memberId, role, sessionId: hexId('s', 8) });
      return { accessToken, expiresInS: 3600 };
    },
    signOut: async (caller: Caller) => {
      for (const [token, { sessionId }] of sessions) if (sessionId === caller.sessionId) sessions.delete(token);
    },
    authenticate: async (accessToken: string) => {
      const caller = sessions.get(accessToken);
      if (caller === undefined) throw new MedledgerError('SESSION_ENDED');
      return caller;
    },
  };
}

function recordUseCases(state: MemoryServices['state']) {
  const contents = new Map<string, { content: Uint8Array; contentType: string; listed: ListedRecord }>();
  const jobs = new Map<string, Job>();
  return {
    addRecord: async (caller: Caller, input: Parameters<Services['addRecord']>[1]): Promise<AddedRecord> => {
      const recordId = `${hexId('', 16)}00`;
      const sha256 = createHash('sha256').update(input.content).digest('hex');
      const added = { recordId, version: 1, cid: `b${'a'.repeat(58)}`, sha256, sizeBytes: input.content.length };
      const listed: ListedRecord = {
        ...added,
        class: input.class ?? 'DocumentReference',
        label: input.label === 'R' ? 'R' : 'N',
        dateMs: input.dateMs ?? 0,
        authorId: caller.memberId,
        authorOrganisation: 'HospitalAMSP',
        addedAtMs: Date.UTC(2026, 10, 20),
        transactionId: transactionId(),
      };
      contents.set(recordId, { content: input.content, contentType: input.contentType, listed });
      state.lastInput = input;
      return { ...added, transactionId: listed.transactionId, blockNumber: 7 };
    },
    addBundle: async (_caller: Caller, { bundle }: { bundle: object }) => {
      state.lastBundle = bundle;
      const jobId = hexId('j', 8);
      jobs.set(jobId, { jobId, status: 'running', done: 1, total: 3 });
      return { jobId };
    },
    job: async (_caller: Caller, jobId: string) => {
      const job = jobs.get(jobId);
      if (job === undefined) throw new MedledgerError('JOB_UNKNOWN');
      return { ...job, ...(state.jobStatus !== undefined && { status: state.jobStatus }) };
    },
    listRecords: async (_caller: Caller, input: { limit: number; cursor?: string }): Promise<PageOf<ListedRecord>> => {
      state.lastInput = input;
      const all = [...contents.values()].map(({ listed }) => listed);
      const start = Number(input.cursor ?? '0');
      const end = start + input.limit;
      return { items: all.slice(start, end), ...(end < all.length && { next: String(end) }) };
    },
    openRecord: async (caller: Caller, { recordId }: { recordId: string }) => {
      const stored = contents.get(recordId);
      if (stored === undefined) throw new MedledgerError('RECORD_UNKNOWN');
      if (stored.listed.authorId !== caller.memberId)
        throw new MedledgerError('NO_GRANT', undefined, { transactionId: transactionId() });
      const { authorId, authorOrganisation, version } = stored.listed;
      const author = { authorId, authorOrganisation, version };
      return { content: stored.content, contentType: stored.contentType, transactionId: transactionId(), ...author };
    },
  };
}

function consentUseCases(state: MemoryServices['state']) {
  const grants: ListedGrant[] = [];
  return {
    giveGrant: async (_caller: Caller, { grant }: { grant: GrantInput }) => {
      state.lastGrant = grant;
      const given = { grantId: hexId('g', 16), transactionId: transactionId() };
      grants.push({ ...grant, fromMs: grant.fromMs ?? 0, ...given, version: 1, status: 'live' });
      return given;
    },
    listGrants: async () => ({ items: grants }),
    alterGrant: async (_caller: Caller, { grantId }: { grantId: string }) => ({
      grantId,
      version: 2,
      transactionId: transactionId(),
    }),
    revokeGrant: async () => ({ transactionId: transactionId() }),
    requestAccess: async (_caller: Caller, input: object) => {
      state.lastInput = input;
      return { requestId: hexId('q', 16), status: 'pending' as const, transactionId: transactionId() };
    },
    listAccessRequests: async () => ({ items: [{ ...ACCESS_REQUEST, reason: 'second opinion' }] }),
    approveRequest: async (_caller: Caller, input: object) => {
      state.lastInput = input;
      return { grantId: hexId('g', 16), transactionId: transactionId() };
    },
    refuseRequest: async () => ({ transactionId: transactionId() }),
  };
}

function auditUseCases(state: MemoryServices['state']) {
  return {
    accessLog: async () => ({ items: [LOG_ITEM], next: 'older' }),
    verifyPatient: async () => ({
      ok: false,
      lanes: 2,
      entries: 9,
      firstBad: { lane: 'a b', sequence: 1, reason: 'link' },
    }),
    activity: async (_caller: Caller, input: object) => {
      state.lastInput = input;
      return { rows: [{ day: '2026-11-20', class: 'Observation', records: 1, openings: 2, refusals: 3, grants: 0 }] };
    },
    blocks: async () => ({ items: [BLOCK] }),
    block: async (_caller: Caller, { number }: { number: number }) => {
      if (number !== BLOCK.number) throw new MedledgerError('BLOCK_UNKNOWN');
      return BLOCK;
    },
    transaction: async () => BLOCK.transactions[0],
    decisionReceipt: async () => '{"format":"medledger-receipt/v1"}',
    notReady: async () => state.missing,
  };
}

const ACCESS_REQUEST = {
  requestId: `q${'1'.repeat(32)}`,
  patientId: 'p-1',
  requesterId: 'doctor-a',
  actions: ['read'],
  scope: { classes: ['Observation'] },
  purpose: 'TREAT',
  untilMs: Date.UTC(2027, 0, 1),
  reasonSha256: 'ee'.repeat(32),
  reasonCid: `b${'a'.repeat(58)}`,
  requestedAtMs: Date.UTC(2026, 10, 20),
  status: 'pending',
} as unknown as AccessRequestAnswer;
