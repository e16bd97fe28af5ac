import { unwatchFile, watchFile } from 'node:fs';
import type { Logger } from 'pino';
import { readRevocations, revocationListFile } from '../identities/index.js';
import type { LedgerTopology } from '../topology.js';
import type { MspRegistry } from './msp.js';

/** A list counts from two seconds after it was written (REVOCATION_DELAY_MS), so it is read several times before. */
const LOOK_MS = 500;

/**
 * Reads the authorities' lists of what they have taken back again whenever one of them changes. A list that cannot be
 * read, or was not signed by its authority, changes nothing: what was taken back before stays so.
 *
 * @returns ends it
 */
export function followRevocations(options: {
  readonly dataDir: string;
  readonly topology: LedgerTopology;
  readonly registries: readonly Pick<MspRegistry, 'setRevocations'>[];
  readonly log: Pick<Logger, 'info' | 'error'>;
}): () => void {
  const { dataDir, topology, registries, log } = options;
  const endings = topology.organisations.map(({ mspId, domain }) => {
    const file = revocationListFile(dataDir, domain);
    const look = () => {
      try {
        const revocations = readRevocations(dataDir, domain);
        for (const registry of registries) registry.setRevocations(mspId, revocations);
        log.info({ mspId, revoked: revocations.length }, 'revocation list read again');
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        log.error({ mspId, reason }, 'revocation list could not be read again');
      }
    };
    watchFile(file, { interval: LOOK_MS, persistent: false }, look);
    return () => unwatchFile(file, look);
  });
  return () => {
    for (const end of endings) end();
  };
}
