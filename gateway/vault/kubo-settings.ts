/**
 * What in a Kubo node's configuration takes away from what a vault promises, each as a sentence that says what to
 * set. Kubo's defaults are made for the public IPFS network: they sync nothing, check nothing, and announce all.
 *
 * @param config - answer of the RPC call `config/show`
 * @see https://github.com/ipfs/kubo/blob/master/docs/config.md and datastores.md
 */
export function settingsOff(config: unknown): string[] {
  return [...unsyncedStores(at(config, 'Datastore', 'Spec')), ...uncheckedReads(config), ...publicNetwork(config)];
}

function uncheckedReads(config: unknown): string[] {
  if (at(config, 'Datastore', 'HashOnRead') === true) return [];
  return [
    'Datastore.HashOnRead is off: the node hands damaged blocks to other organisations, which must find out; set it to true',
  ];
}

/** Stores are nested: a mount has several, a measure or log one around which it is put. */
function unsyncedStores(spec: unknown): string[] {
  const mounts = at(spec, 'mounts');
  if (Array.isArray(mounts)) return mounts.flatMap(unsyncedStores);
  const child = at(spec, 'child');
  if (child !== undefined) return unsyncedStores(child);
  const type = String(at(spec, 'type'));
  const store = `the ${type} store ${String(at(spec, 'path'))} of Datastore.Spec`;
  if (type === 'flatfs' && at(spec, 'sync') !== true) return [`${store} has sync off: ${LOSES}; set it to true`];
  if (type === 'pebbleds' && at(spec, 'disableWAL') === true)
    return [`${store} has disableWAL on: ${LOSES}; set it to false`];
  if (SYNCING_STORES.includes(type)) return [];
  return [`whether ${store} syncs what it writes is not known: use flatfs with sync, or pebbleds`];
}

const LOSES = 'what was acknowledged is lost when the power fails';
// Flatfs ignores the sync that follows every add; badgerds and pebbleds heed it, levelds syncs each write by itself.
const SYNCING_STORES = ['flatfs', 'pebbleds', 'badgerds', 'levelds'];

function publicNetwork(config: unknown): string[] {
  const bootstrap = at(config, 'Bootstrap');
  const open = [
    ...(Array.isArray(bootstrap) && bootstrap.length > 0 ? ['Bootstrap to []'] : []),
    ...(at(config, 'Routing', 'Type') === 'none' ? [] : ['Routing.Type to "none"']),
    ...(at(config, 'Discovery', 'MDNS', 'Enabled') === true ? ['Discovery.MDNS.Enabled to false'] : []),
  ];
  if (open.length === 0) return [];
  return [`the node takes part in a public network, which learns what is stored: set ${open.join(', ')}`];
}

function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.entries(found).find(([key]) => key === name)?.[1];
  }
  return found;
}
