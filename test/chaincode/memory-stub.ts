import { createHash, randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';

// contract-api takes its log level from here while it is loaded; refusals are what these tests look for.
process.env.CORE_CHAINCODE_LOGGING_LEVEL = 'critical';
const { contracts } = await import('../../chaincode/index.js');
const { JSONSerializer } = await import('fabric-contract-api');

/** Real contract-api, as fabric-chaincode-node starts it; only the peer behind the stub lives in memory. */
interface ChaincodeFromContract {
  readonly metadata: {
    readonly contracts: {
      readonly [contract: string]: { readonly transactions: readonly { name: string; tag?: readonly string[] }[] };
    };
  };
  Invoke(stub: object): Promise<{ status: number; message?: string; payload?: Uint8Array }>;
}

// The package types only its front door.
const Chaincode = createRequire(import.meta.url)('fabric-shim/lib/contract-spi/chaincodefromcontract.js') as new (
  classes: object[],
  serializers: object,
) => ChaincodeFromContract;

export interface Creator {
  readonly mspId: string;
  readonly certificatePem: string;
}

export interface Invocation {
  readonly creator: Creator;
  /** `contract:function` */
  readonly name: string;
  readonly args: readonly string[];
  readonly timeMs: number;
}

/** What an endorsement would carry. */
export interface Simulation {
  readonly txId: string;
  readonly status: number;
  readonly message: string;
  readonly payload: string;
  readonly reads: ReadonlyMap<string, number | undefined>;
  /** Undefined: taken away. */
  readonly writes: ReadonlyMap<string, Buffer | undefined>;
  readonly event?: { readonly name: string; readonly payload: string };
}

interface Versioned {
  readonly value: Buffer;
  readonly version: number;
}

/** One peer with Fabric's semantics: no reading of own writes, key order by bytes, conflicts found at commit. */
export class MemoryPeer {
  readonly chaincode = new Chaincode([...contracts], {
    transaction: 'jsonSerializer',
    serializers: { jsonSerializer: JSONSerializer },
  });
  readonly #state = new Map<string, Versioned>();
  readonly #unreadable = new Set<string>();
  #version = 0;

  constructor(readonly channel: string) {}

  async simulate(invocation: Invocation): Promise<Simulation> {
    const stub = new MemoryStub(this.channel, invocation, {
      get: (key) => this.#get(key),
      range: (start, end) => this.#range(start, end),
    });
    const { status, message = '', payload } = await this.chaincode.Invoke(stub);
    const { txId, reads, writes, event } = stub;
    const text = payload === undefined ? '' : Buffer.from(payload).toString('utf8');
    return { txId, status, message, payload: text, reads, writes, ...(event === undefined ? {} : { event }) };
  }

  commit({ reads, writes }: Simulation): 'VALID' | 'MVCC_READ_CONFLICT' {
    for (const [key, version] of reads) if (this.#state.get(key)?.version !== version) return 'MVCC_READ_CONFLICT';
    this.#version += 1;
    for (const [key, value] of writes)
      if (value === undefined) this.#state.delete(key);
      else this.#state.set(key, { value, version: this.#version });
    return 'VALID';
  }

  keys(): readonly string[] {
    return [...this.#state.keys()].sort();
  }

  text(key: string): string | undefined {
    return this.#state.get(key)?.value.toString('utf8');
  }

  /** Changes what is stored behind the chain's back; undefined takes it away. The version stays. */
  tamper(key: string, change: (text: string) => string | undefined): void {
    const stored = this.#state.get(key);
    if (stored === undefined) throw new Error(`nothing is stored under ${key}`);
    const text = change(stored.value.toString('utf8'));
    if (text === undefined) this.#state.delete(key);
    else this.#state.set(key, { ...stored, value: Buffer.from(text, 'utf8') });
  }

  /** From now on the peer finds its own digest of this value broken. */
  spoil(key: string): void {
    this.#unreadable.add(key);
  }

  #get(key: string): Versioned | undefined {
    if (this.#unreadable.has(key))
      throw new Error(`GET_STATE failed: transaction ID: 00: STATE_CORRUPT: peer A, ${key}: digest differs`);
    return this.#state.get(key);
  }

  #range(start: string, end: string): [string, Versioned][] {
    const from = Buffer.from(start);
    const to = Buffer.from(end);
    return [...this.#state]
      .filter(([key]) => Buffer.compare(Buffer.from(key), from) >= 0 && Buffer.compare(Buffer.from(key), to) < 0)
      .sort(([left], [right]) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
  }
}

interface Committed {
  get(key: string): Versioned | undefined;
  range(start: string, end: string): [string, Versioned][];
}

class MemoryStub {
  readonly txId: string;
  readonly reads = new Map<string, number | undefined>();
  readonly writes = new Map<string, Buffer | undefined>();
  event?: { name: string; payload: string };
  #paged = false;

  constructor(
    readonly channel: string,
    readonly invocation: Invocation,
    readonly committed: Committed,
  ) {
    this.txId = createHash('sha256').update(randomBytes(24)).digest('hex');
  }

  getBufferArgs = () => [this.invocation.name, ...this.invocation.args].map((arg) => Buffer.from(arg, 'utf8'));
  getFunctionAndParameters = () => ({ fcn: this.invocation.name, params: this.invocation.args });
  getTxID = () => this.txId;
  getChannelID = () => this.channel;
  getDateTimestamp = () => new Date(this.invocation.timeMs);
  getCreator = () => ({
    mspid: this.invocation.creator.mspId,
    idBytes: Buffer.from(this.invocation.creator.certificatePem, 'utf8'),
  });
  getMspID = () => 'NotTheCallersMSP';

  setEvent(name: string, payload: Uint8Array): void {
    this.event = { name, payload: Buffer.from(payload).toString('utf8') };
  }

  async getState(key: string): Promise<Buffer> {
    const found = this.committed.get(key);
    this.reads.set(key, found?.version);
    return found?.value ?? Buffer.alloc(0);
  }

  async putState(key: string, value: Uint8Array): Promise<void> {
    if (this.#paged) throw new Error('Transaction has already performed a paginated query. Writes are not allowed');
    this.writes.set(key, Buffer.from(value));
  }

  async deleteState(key: string): Promise<void> {
    if (this.#paged) throw new Error('Transaction has already performed a paginated query. Writes are not allowed');
    this.writes.set(key, undefined);
  }

  async getStateByRangeWithPagination(start: string, end: string, pageSize: number, bookmark: string) {
    this.#paged = true;
    const rows = this.committed.range(bookmark || start, end);
    const page = rows.slice(0, pageSize);
    const results = page.map(([key, { value }]) => ({ value: { namespace: 'medledger', key, value }, done: false }));
    const iterator = { next: async () => results.shift() ?? { done: true }, close: async () => undefined };
    return { iterator, metadata: { fetchedRecordsCount: page.length, bookmark: rows[pageSize]?.[0] ?? '' } };
  }
}
