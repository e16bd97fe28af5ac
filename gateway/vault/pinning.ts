import type { Vault } from './vault.js';
import { VaultError } from './vault-errors.js';

/**
 * What a vault does when another organisation's gateway asks it to keep a copy: keeps the objects it was sent, or
 * fetches them from the nodes it knows, then reads each back.
 *
 * @param objects - as many as CIDs, in their order; without them the objects are fetched
 * @returns the CIDs of what is now durably here, as computed from it
 * @throws VaultError CONTENT_CORRUPT when an object is not the one its CID names; such objects are not kept
 */
export async function pinObjects(
  vault: Vault,
  input: { cids: readonly string[]; objects?: readonly Uint8Array[] },
): Promise<string[]> {
  const { cids, objects } = input;
  if (objects !== undefined) await keepExactly(vault, cids, objects);
  // Reading back goes through the check of every block against its CID.
  for (const cid of cids) await vault.get(cid);
  return [...cids];
}

async function keepExactly(vault: Vault, cids: readonly string[], objects: readonly Uint8Array[]): Promise<void> {
  const kept = await vault.put(objects);
  const others = kept.filter((cid, index) => cid !== cids[index]);
  if (others.length === 0 && kept.length === cids.length) return;
  for (const cid of others) await vault.remove(cid);
  throw new VaultError('CONTENT_CORRUPT', 'The objects sent are not those of the CIDs sent with them: send them again');
}
