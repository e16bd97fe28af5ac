/**
 * Keeps ciphertext under its content identifier (CID). Safe to call at once from many places.
 *
 * What is given back has been checked block by block against the CID, whatever disk or node it came from.
 */
export interface Vault {
  /**
   * Keeps objects. Durable on return: all of them survive a crash and a loss of power. Keeping the same bytes
   * again gives the same CID and is a success, so a caller without an answer repeats the call.
   *
   * @returns CIDs (version 1, base32) in the order of the objects
   */
  put(objects: readonly Uint8Array[]): Promise<string[]>;

  /**
   * The whole object, fetched from other nodes and kept where this one lacks it or holds it damaged.
   *
   * @param expectedSha256Hex - SHA-256 of the whole object as the chain has it, lower-case hex
   * @throws VaultError CONTENT_MISSING when no reachable node has it, CONTENT_CORRUPT when the local copy was
   *   damaged and no other node could replace it, or when the object is not the expected one
   */
  get(cid: string, expectedSha256Hex?: string): Promise<Uint8Array>;

  /** The whole object as this node alone has it; undefined when any block is missing or damaged. Asks nobody. */
  getLocal(cid: string): Promise<Uint8Array | undefined>;

  /** Whether this node has all blocks of an object. Does not read them: damage shows in get. */
  has(cid: string): Promise<boolean>;

  /**
   * Erases an object from this node: durable on return. Removing what is not there is a success.
   *
   * @throws VaultError CONTENT_MISSING when parts could not be found because the block that names them is lost;
   *   what was found is erased
   */
  remove(cid: string): Promise<void>;

  stop(): Promise<void>;
}

/**
 * Damage or absence that reading met. `healedFrom` names the node that replaced the block; without it nobody could.
 * `missing` also covers content that this node was never given and fetched for a reader.
 */
export type VaultIncident = {
  readonly cid: string;
  readonly kind: 'corrupt' | 'missing';
  readonly healedFrom?: string;
};
