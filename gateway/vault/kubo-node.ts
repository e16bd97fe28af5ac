import { CID } from 'multiformats/cid';
import { KUBO_ADD_SETTINGS } from './cid-settings.js';
import type { BlockRead } from './durable-blockstore.js';
import { isContentOf } from './object-blocks.js';
import { KuboRefusal, type KuboRpc, type RpcCall, type RpcParameters } from './kubo-rpc.js';
import { VaultError } from './vault-errors.js';

// How Kubo's own client for Go tells a missing block too: the RPC gives every error the same code.
// @see github.com/ipfs/go-ipld-format merkledag.go (ErrNotFound), github.com/ipfs/kubo client/rpc/errors.go
const NOT_FOUND = 'ipld: could not find';
// @see github.com/ipfs/boxo blockstore/blockstore.go (ErrHashMismatch)
const HASH_MISMATCH = 'block in storage has different hash than requested';

const CIDS_PER_CALL_MAX = 100;
/** More than the node itself is given for a call that has its own deadline. */
const MARGIN_MS = 2_000;
const START_TIMEOUT_MS = 5_000;

export type NodeIdentity = { readonly id: string; readonly addresses: readonly string[] };

/** One Kubo node, by the calls that a vault makes of it. Blocks it gives have been checked against their CIDs. */
export class KuboNode {
  readonly name: string;
  readonly #rpc: KuboRpc;

  constructor(rpc: KuboRpc) {
    this.name = rpc.name;
    this.#rpc = rpc;
  }

  identity(): Promise<NodeIdentity> {
    return this.#read('id', { timeoutMs: START_TIMEOUT_MS }, parseIdentity);
  }

  /** The node's configuration, without its keys, as it stands in its file. */
  config(): Promise<unknown> {
    return this.#read('config/show', { timeoutMs: START_TIMEOUT_MS }, parseJson);
  }

  /** Keeps and pins objects. @returns their CIDs, in order */
  add(objects: readonly Uint8Array[]): Promise<string[]> {
    const parameters = { ...KUBO_ADD_SETTINGS, pin: true, progress: false, 'fast-provide-root': false };
    return this.#read('add', { parameters, files: objects }, parseAdded);
  }

  /** The CID that the node would give an object, which it does not keep. */
  async cidOf(object: Uint8Array): Promise<string | undefined> {
    const parameters = { ...KUBO_ADD_SETTINGS, 'only-hash': true, pin: false, progress: false };
    const [cid] = await this.#read('add', { parameters, files: [object] }, parseAdded);
    return cid;
  }

  /** Objects one after the other, as this node alone has them. Not checked: for comparing with what is known. */
  cat(cids: readonly string[], sizeBytesMax: number): Promise<Uint8Array> {
    return this.#rpc.call('cat', { parameters: { arg: cids, offline: true }, answerBytesMax: sizeBytesMax });
  }

  /** A block as this node alone has it. */
  async readLocal(cid: CID): Promise<BlockRead> {
    try {
      const bytes = await this.#rpc.call('block/get', { parameters: { arg: cid.toString(), offline: true } });
      return isContentOf(cid, bytes) ? { state: 'ok', bytes } : { state: 'corrupt' };
    } catch (error) {
      if (isRefusal(error, NOT_FOUND)) return { state: 'missing' };
      if (isRefusal(error, HASH_MISMATCH)) return { state: 'corrupt' };
      throw error;
    }
  }

  /** A block from whichever connected node sends it first. @returns undefined when none did in time */
  async fetch(cid: CID, timeoutMs: number): Promise<Uint8Array | undefined> {
    const parameters = { arg: cid.toString(), timeout: `${timeoutMs}ms` };
    try {
      const bytes = await this.#rpc.call('block/get', { parameters, timeoutMs: timeoutMs + MARGIN_MS });
      return isContentOf(cid, bytes) ? bytes : undefined;
    } catch (error) {
      if (error instanceof KuboRefusal) return undefined;
      throw error;
    }
  }

  /** Whether a block is here, whole or damaged. */
  async hasBlock(cid: CID): Promise<boolean> {
    try {
      await this.#rpc.call('block/stat', { parameters: { arg: cid.toString(), offline: true } });
      return true;
    } catch (error) {
      if (isRefusal(error, NOT_FOUND)) return false;
      if (isRefusal(error, HASH_MISMATCH)) return true;
      throw error;
    }
  }

  /** Keeps the node's collection of garbage from an object, all of whose blocks are here. */
  async pin(cid: string): Promise<void> {
    await this.#rpc.call('pin/add', { parameters: { arg: cid, offline: true, progress: false } });
  }

  /** Lets go of an object; whether it was pinned does not matter. */
  async unpin(cid: string): Promise<void> {
    await this.#accepts('pin/rm', { arg: cid, offline: true });
  }

  /** Whether a block is kept by a pin, its own or that of an object around it. */
  isPinned(cid: CID): Promise<boolean> {
    return this.#accepts('pin/ls', { arg: cid.toString(), type: 'all', offline: true });
  }

  /** Erases blocks that no pin keeps. @returns those that the node did not erase, with its reasons */
  async erase(cids: readonly CID[]): Promise<{ cid: CID; reason: string }[]> {
    const refused: { cid: CID; reason: string }[] = [];
    for (let start = 0; start < cids.length; start += CIDS_PER_CALL_MAX) {
      const arg = cids.slice(start, start + CIDS_PER_CALL_MAX).map(String);
      const parameters = { arg, force: true, offline: true };
      refused.push(...(await this.#read('block/rm', { parameters }, parseErased)));
    }
    return refused;
  }

  /** Ids of the nodes this one is connected with. */
  connected(): Promise<ReadonlySet<string>> {
    return this.#read('swarm/peers', {}, parsePeers);
  }

  /** @returns whether the node is connected with the one at the address, which ends in its id */
  connect(address: string, timeoutMs: number): Promise<boolean> {
    return this.#accepts('swarm/connect', { arg: address, timeout: `${timeoutMs}ms` });
  }

  /** Has the node connect with another again and again, until it is restarted itself. */
  async addPeering(addresses: readonly string[]): Promise<void> {
    await this.#rpc.call('swarm/peering/add', { parameters: { arg: addresses } });
  }

  async removePeering(id: string): Promise<void> {
    await this.#rpc.call('swarm/peering/rm', { parameters: { arg: id } });
  }

  close(): void {
    this.#rpc.close();
  }

  async #read<Answer>(command: string, call: RpcCall, parse: (answer: Buffer) => Answer): Promise<Answer> {
    const answer = await this.#rpc.call(command, call);
    try {
      return parse(answer);
    } catch (cause) {
      const message = `What answers ${command} at ${this.name} is no Kubo node: correct VAULT_KUBO_URL`;
      throw new VaultError('VAULT_UNAVAILABLE', message, { cause });
    }
  }

  async #accepts(command: string, parameters: RpcParameters): Promise<boolean> {
    try {
      await this.#rpc.call(command, { parameters });
      return true;
    } catch (error) {
      if (error instanceof KuboRefusal) return false;
      throw error;
    }
  }
}

function isRefusal(error: unknown, part: string): boolean {
  return error instanceof KuboRefusal && error.reason.includes(part);
}

function parseIdentity(answer: Buffer): NodeIdentity {
  const { ID, Addresses } = JSON.parse(answer.toString()) as { ID: unknown; Addresses: string[] | null };
  if (typeof ID !== 'string') throw new Error('no node id');
  return { id: ID, addresses: Addresses ?? [] };
}

function parseJson(answer: Buffer): unknown {
  return JSON.parse(answer.toString());
}

/** One line for each file; its name is its position in the call. */
function parseAdded(answer: Buffer): string[] {
  const lines = parseLines(answer) as { Name: string; Hash: string }[];
  const cids: string[] = [];
  for (const { Name, Hash } of lines) cids[Number(Name)] = Hash;
  return cids;
}

function parseErased(answer: Buffer): { cid: CID; reason: string }[] {
  const lines = parseLines(answer) as { Hash: string; Error?: string }[];
  return lines.flatMap(({ Hash, Error: reason = '' }) => (reason === '' ? [] : [{ cid: CID.parse(Hash), reason }]));
}

function parsePeers(answer: Buffer): ReadonlySet<string> {
  const { Peers } = JSON.parse(answer.toString()) as { Peers: { Peer: string }[] | null };
  return new Set((Peers ?? []).map(({ Peer }) => Peer));
}

function parseLines(answer: Buffer): unknown[] {
  const lines = answer.toString().split('\n');
  return lines.filter((line) => line.trim() !== '').map((line): unknown => JSON.parse(line));
}
