import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { unixfs } from '@helia/unixfs';
import { CID } from 'multiformats/cid';
import { blocksOf, isContentOf, joined, treeOf } from '../../../gateway/vault/object-blocks.js';

type Call = { readonly command: string; readonly args: string[]; readonly query: URLSearchParams; body: Buffer };
type Handler = (call: Call, answer: ServerResponse) => Promise<void> | void;

const MISSING = 'block was not found locally (offline): ipld: could not find ';
const DAMAGED = 'block in storage has different hash than requested';

/**
 * Kubo's RPC as version 0.42 answers it, over blocks in memory: for what a real node cannot be made to do. It is no
 * judge of CIDs, which it makes with our own code.
 */
export class StubKubo {
  readonly blocks = new Map<string, Uint8Array>();
  readonly pins = new Set<string>();
  readonly calls: Call[] = [];
  /** Take the place of the answer to a command. */
  readonly faults = new Map<string, Handler>();
  config: unknown = { Datastore: { HashOnRead: true, Spec: { type: 'pebbleds' } }, Routing: { Type: 'none' } };
  peers: string[] = [];
  hashOnRead = true;
  authorization: string | undefined;
  readonly #server: Server;

  static async start(): Promise<StubKubo> {
    const stub = new StubKubo();
    await new Promise<void>((resolve) => stub.#server.listen(0, '127.0.0.1', resolve));
    return stub;
  }

  private constructor() {
    this.#server = createServer((request, answer) => {
      this.#answer(request, answer).catch((error: Error) => refuse(answer, error.message));
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  /** Flips a byte of a block where it lies. */
  damage(cid: string): void {
    const bytes = Uint8Array.from(this.blocks.get(keyOf(cid)) ?? []);
    bytes[0] = (bytes[0] ?? 0) ^ 0xff;
    this.blocks.set(keyOf(cid), bytes);
  }

  lose(cid: string): void {
    this.blocks.delete(keyOf(cid));
  }

  /** Commands called since the last time this was asked. */
  taken(): string[] {
    return this.calls.splice(0).map(({ command }) => command);
  }

  async #answer(request: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '', 'http://stub');
    const body = Buffer.from(await joined(request));
    const command = url.pathname.replace('/api/v0/', '');
    if (this.authorization !== undefined && request.headers.authorization !== this.authorization)
      return text(answer, 403, 'Kubo RPC Access Denied: Please provide a valid authorization token');
    if (request.method !== 'POST') return text(answer, 405, '405 - Method Not Allowed');
    const call = { command, args: url.searchParams.getAll('arg'), query: url.searchParams, body };
    this.calls.push(call);
    const handler = this.faults.get(command) ?? this.#handlers[command];
    if (handler === undefined) return text(answer, 404, '404 page not found');
    await handler(call, answer);
  }

  readonly #handlers: { readonly [command: string]: Handler } = {
    id: (_call, answer) => json(answer, [{ ID: '12D3KooWStub', Addresses: this.#addresses() }]),
    'config/show': (_call, answer) => json(answer, [this.config]),
    add: async ({ query, body }, answer) => {
      const lines = await Promise.all(filesOf(body).map((file, index) => this.#add(file, index, query)));
      json(answer, lines);
    },
    cat: async ({ args }, answer) => {
      const portions = await Promise.all(args.map((cid) => this.#cat(cid)));
      answer.end(Buffer.concat(portions));
    },
    'block/get': ({ args: [cid = ''], query }, answer) => {
      if (query.get('offline') !== 'true' && !this.blocks.has(keyOf(cid))) throw new Error('context deadline exceeded');
      answer.end(this.#block(cid));
    },
    'block/stat': ({ args: [cid = ''] }, answer) => json(answer, [{ Key: cid, Size: this.#block(cid).length }]),
    'block/rm': async ({ args }, answer) => {
      json(answer, await Promise.all(args.map((cid) => this.#erase(cid))));
    },
    'pin/add': async ({ args: [cid = ''] }, answer) => {
      await this.#cat(cid);
      this.pins.add(cid);
      json(answer, [{ Pins: [cid] }]);
    },
    'pin/rm': ({ args: [cid = ''] }, answer) => {
      if (!this.pins.delete(cid)) throw new Error('not pinned or pinned indirectly');
      json(answer, [{ Pins: [cid] }]);
    },
    'pin/ls': async ({ args: [cid = ''] }, answer) => {
      if (!(await this.#isPinned(cid))) throw new Error(`path '${cid}' is not pinned`);
      json(answer, [{ Keys: { [cid]: { Type: 'indirect', Name: '' } } }]);
    },
    'swarm/peers': (_call, answer) =>
      json(answer, [{ Peers: this.peers.length === 0 ? null : this.peers.map((Peer) => ({ Addr: '', Peer })) }]),
    'swarm/connect': ({ args: [address] }) => {
      throw new Error(`connect ${address} failure: failed to dial`);
    },
    'swarm/peering/add': (_call, answer) => json(answer, [{ Status: 'success' }]),
    'swarm/peering/rm': (_call, answer) => json(answer, [{ Status: 'success' }]),
  };

  #addresses(): string[] {
    const id = '/p2p/12D3KooWStub';
    return [`/ip4/127.0.0.1/tcp/4001${id}`, `/ip4/127.0.0.1/udp/4001/quic-v1${id}`, `/ip4/1.2.3.4/tcp/4001/ws${id}`];
  }

  async #add(file: Uint8Array, index: number, query: URLSearchParams) {
    const { cid, blocks } = await blocksOf(file);
    if (query.get('only-hash') !== 'true') {
      // What the node believes to have it does not write.
      for (const block of blocks)
        if (!this.blocks.has(keyOf(block.cid.toString()))) this.blocks.set(keyOf(block.cid.toString()), block.bytes);
      this.pins.add(cid.toString());
    }
    return { Name: String(index), Hash: cid.toString(), Size: String(file.length) };
  }

  #block(cid: string): Uint8Array {
    const bytes = this.blocks.get(keyOf(cid));
    if (bytes === undefined) throw new Error(MISSING + cid);
    if (this.hashOnRead && !isContentOf(CID.parse(cid), bytes)) throw new Error(DAMAGED);
    return bytes;
  }

  #cat(cid: string): Promise<Uint8Array> {
    const get = async function* (this: StubKubo, block: CID) {
      yield this.#block(block.toString());
    }.bind(this);
    const blockstore = { get, has: () => true, put: (block: CID) => block };
    return joined(unixfs({ blockstore }).cat(CID.parse(cid)));
  }

  async #erase(cid: string) {
    if (await this.#isPinned(cid)) return { Hash: cid, Error: 'pinned: indirect' };
    this.blocks.delete(keyOf(cid));
    return { Hash: cid };
  }

  async #isPinned(cid: string): Promise<boolean> {
    for (const root of this.pins) {
      const { cids } = await treeOf(CID.parse(root), async (inner) => this.blocks.get(keyOf(inner.toString())));
      if (cids.some((pinned) => keyOf(pinned.toString()) === keyOf(cid))) return true;
    }
    return false;
  }
}

function keyOf(cid: string): string {
  return Buffer.from(CID.parse(cid).multihash.bytes).toString('hex');
}

function json(answer: ServerResponse, lines: readonly unknown[]): void {
  answer.setHeader('content-type', 'application/json');
  answer.end(lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

function text(answer: ServerResponse, status: number, sentence: string): void {
  answer.writeHead(status, { 'content-type': 'text/plain' }).end(sentence);
}

export function refuse(answer: ServerResponse, message: string): void {
  answer.statusCode = 500;
  json(answer, [{ Message: message, Code: 0, Type: 'error' }]);
}

/** The files of a form, whose parts begin with the boundary in the first line. */
function filesOf(form: Buffer): Buffer[] {
  const boundary = form.subarray(0, form.indexOf('\r\n'));
  const files: Buffer[] = [];
  let start = boundary.length;
  for (;;) {
    const next = form.indexOf(boundary, start);
    if (next === -1) return files;
    const part = form.subarray(start, next);
    files.push(part.subarray(part.indexOf('\r\n\r\n') + 4, -2));
    start = next + boundary.length;
  }
}
