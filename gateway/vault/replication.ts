import { requireSha256 } from './object-blocks.js';
import type { Vault } from './vault.js';
import { VaultError } from './vault-errors.js';

const PIN_TIMEOUT_MS_DEFAULT = 10_000;
const AVOIDED_MS = 10_000;
const NEXT_AFTER_MS = 1_500;
// Half of what one request between gateways may carry.
const PORTION_SIZE_BYTES_MAX = 32 << 20;

/** The vault of another organisation, as its gateway offers it. */
export interface RemoteVault {
  readonly name: string;

  /**
   * Keeps copies, durable on return and read back there.
   *
   * @param objects - in the order of the CIDs; a remote that is sent none fetches them itself
   * @returns the CIDs it computed from what it now holds, in the same order
   */
  pin(cids: readonly string[], objects?: readonly Uint8Array[]): Promise<readonly string[]>;

  /** One object, or undefined where this remote does not hold it whole. It need not be trusted. */
  read?(cid: string): Promise<Uint8Array | undefined>;
}

export type ReplicatedVaultOptions = {
  readonly local: Vault;
  readonly remotes: readonly RemoteVault[];
  readonly pinTimeoutMs?: number;
  readonly nowMs?: () => number;
  /** Told of each remote that failed, though another may have taken its place. */
  readonly onRemoteFailure?: (failure: { name: string; cause: unknown }) => void;
};

type KeptObject = { readonly cid: string; readonly bytes: Uint8Array };

/**
 * A vault whose objects are on this node and at least one other when put returns. The other is taken in turn; one
 * that failed is tried last for a while. A failed put may leave copies behind, which are harmless.
 */
export class ReplicatedVault implements Vault {
  readonly #local: Vault;
  readonly #remotes: readonly RemoteVault[];
  readonly #pinTimeoutMs: number;
  readonly #nowMs: () => number;
  readonly #onRemoteFailure: (failure: { name: string; cause: unknown }) => void;
  readonly #avoidedUntilMs = new Map<string, number>();
  #turn = 0;

  constructor(options: ReplicatedVaultOptions) {
    this.#local = options.local;
    this.#remotes = options.remotes;
    this.#pinTimeoutMs = options.pinTimeoutMs ?? PIN_TIMEOUT_MS_DEFAULT;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#onRemoteFailure = options.onRemoteFailure ?? (() => undefined);
  }

  /** @throws VaultError VAULT_UNAVAILABLE naming the nodes asked when no other node took a copy */
  async put(objects: readonly Uint8Array[]): Promise<string[]> {
    const cids = await this.#local.put(objects);
    const kept = cids.map((cid, index): KeptObject => ({ cid, bytes: objects[index] ?? new Uint8Array() }));
    for (const portion of portionsOf(kept)) await this.#replicate(portion);
    return cids;
  }

  /** As Vault.get; when no IPFS node gives the object, the remotes' gateways are asked for it whole. */
  async get(cid: string, expectedSha256Hex?: string): Promise<Uint8Array> {
    try {
      return await this.#local.get(cid, expectedSha256Hex);
    } catch (error) {
      const object = error instanceof VaultError ? await this.#readFromRemotes(cid) : undefined;
      if (object === undefined) throw error;
      requireSha256(object, expectedSha256Hex, cid);
      return object;
    }
  }

  getLocal(cid: string): Promise<Uint8Array | undefined> {
    return this.#local.getLocal(cid);
  }

  has(cid: string): Promise<boolean> {
    return this.#local.has(cid);
  }

  /** From this node only: each organisation erases its own copies. */
  remove(cid: string): Promise<void> {
    return this.#local.remove(cid);
  }

  stop(): Promise<void> {
    return this.#local.stop();
  }

  /** The next node is asked as soon as one fails, and beside one that takes long: who hangs holds nobody up. */
  async #replicate(portion: readonly KeptObject[]): Promise<void> {
    const attempts: Promise<boolean>[] = [];
    for (const remote of this.#inTurn()) {
      attempts.push(this.#pinNoting(remote, portion));
      if (await anyTrue(attempts, NEXT_AFTER_MS)) return;
    }
    if (await anyTrue(attempts, this.#pinTimeoutMs)) return;
    const nodes = this.#remotes.map(({ name }) => name);
    const asked = nodes.length === 0 ? 'none is configured' : `asked were ${nodes.join(', ')}`;
    throw new VaultError('VAULT_UNAVAILABLE', `No other vault node took a copy (${asked}): bring one back and repeat`, {
      nodes,
    });
  }

  /** @returns whether the remote now holds the portion; never rejects */
  async #pinNoting(remote: RemoteVault, portion: readonly KeptObject[]): Promise<boolean> {
    try {
      await this.#pin(remote, portion);
      this.#avoidedUntilMs.delete(remote.name);
      return true;
    } catch (cause) {
      this.#avoidedUntilMs.set(remote.name, this.#nowMs() + AVOIDED_MS);
      this.#onRemoteFailure({ name: remote.name, cause });
      return false;
    }
  }

  async #pin(remote: RemoteVault, portion: readonly KeptObject[]): Promise<void> {
    const cids = portion.map(({ cid }) => cid);
    const objects = portion.map(({ bytes }) => bytes);
    const pinned = await inTime(remote.pin(cids, objects), this.#pinTimeoutMs);
    if (pinned.length === cids.length && pinned.every((cid, index) => cid === cids[index])) return;
    throw new VaultError('CONTENT_CORRUPT', `The vault node ${remote.name} holds something other than it was sent`);
  }

  /** Remotes from the next in turn on, those that failed lately last. */
  #inTurn(): RemoteVault[] {
    const start = this.#turn % Math.max(1, this.#remotes.length);
    this.#turn += 1;
    const rotated = [...this.#remotes.slice(start), ...this.#remotes.slice(0, start)];
    const isAvoided = ({ name }: RemoteVault) => (this.#avoidedUntilMs.get(name) ?? 0) > this.#nowMs();
    return [...rotated.filter((remote) => !isAvoided(remote)), ...rotated.filter(isAvoided)];
  }

  async #readFromRemotes(cid: string): Promise<Uint8Array | undefined> {
    for (const remote of this.#inTurn()) {
      try {
        const object = await inTime(remote.read?.(cid) ?? Promise.resolve(undefined), this.#pinTimeoutMs);
        if (object === undefined) continue;
        const [kept] = await this.#local.put([object]);
        if (kept === cid) return object;
        if (kept !== undefined) await this.#local.remove(kept);
        throw new VaultError('CONTENT_CORRUPT', `The vault node ${remote.name} gave something other than ${cid}`);
      } catch (cause) {
        this.#onRemoteFailure({ name: remote.name, cause });
      }
    }
    return undefined;
  }
}

function portionsOf(objects: readonly KeptObject[]): KeptObject[][] {
  const portions: KeptObject[][] = [];
  let sizeBytes = 0;
  for (const object of objects) {
    const last = portions.at(-1);
    if (last === undefined || sizeBytes + object.bytes.length > PORTION_SIZE_BYTES_MAX) {
      portions.push([object]);
      sizeBytes = 0;
    } else {
      last.push(object);
    }
    sizeBytes += object.bytes.length;
  }
  return portions;
}

/** Whether one of them gives true within the time; false as soon as all have given false. */
async function anyTrue(attempts: readonly Promise<boolean>[], withinMs: number): Promise<boolean> {
  const succeeded = attempts.map(async (attempt) => {
    if (!(await attempt)) throw new Error('this one did not');
  });
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), withinMs);
  });
  const isAny = await Promise.race([
    Promise.any(succeeded).then(
      () => true,
      () => false,
    ),
    late,
  ]);
  clearTimeout(timer);
  return isAny;
}

async function inTime<Result>(action: Promise<Result>, timeoutMs: number): Promise<Result> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([action, deadline]);
  } finally {
    clearTimeout(timer);
  }
}
