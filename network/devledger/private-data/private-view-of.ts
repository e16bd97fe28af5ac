import type { PrivateView } from '../endorse/private-view.js';
import { readVersion, VERSION_BYTES } from '../store/row-keys.js';
import type { DatabaseSnapshot, StateDatabase } from '../store/state-database.js';
import { plainKeyOf, privateStateKey, privateStateRange } from './private-rows.js';

/** A peer's private data as of one snapshot of its database. */
export function privateViewOf(database: StateDatabase, snapshot: DatabaseSnapshot): PrivateView {
  return {
    async get(namespace, collection, key) {
      const payload = database.get(privateStateKey({ namespace, collection }, key), snapshot);
      return payload && { value: payload.subarray(VERSION_BYTES), version: readVersion(payload, 0) };
    },
    async *range(namespace, collection, bounds) {
      const name = { namespace, collection };
      for await (const { key, payload } of database.rows(privateStateRange(name, bounds), { snapshot })) {
        yield {
          key: plainKeyOf(name, key),
          value: payload.subarray(VERSION_BYTES),
          version: readVersion(payload, 0),
        };
      }
    },
  };
}
