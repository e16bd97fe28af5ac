import { existsSync, mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PUBLIC_FILE_MODE, replaceFile } from '../../network/identities/durable-file.js';
import { StartError } from '../start/start-error.js';
import { connectionProfile } from './connection-profile.js';
import type { NetworkContext } from './network-context.js';
import { topologyDiagram } from './topology-diagram.js';

export interface ExportResult {
  /** By MSP id. */
  readonly profiles: Readonly<Record<string, object>>;
  /** Mermaid. */
  readonly topology: string;
  /** What was written. */
  readonly files: readonly string[];
}

/**
 * Who takes part and where to find them, for clients that are not ours and for people: a connection profile for each
 * organisation, and the processes as a diagram. Holds certificates, no keys.
 *
 * @param out - where the files go; none are written where left out
 * @throws StartError when the folder has no certificates yet
 */
export function exportNetwork({ topology, dataDir, ledger }: NetworkContext, out?: string): ExportResult {
  if (!existsSync(join(dataDir, 'organizations')))
    throw new StartError(
      `${dataDir} has no certificates yet; bring the network up once, or name its folder with --data.`,
    );
  const profiles = Object.fromEntries(
    topology.organisations.map((member) => [member.mspId, connectionProfile({ topology, dataDir, ledger }, member)]),
  );
  const diagram = topologyDiagram(topology, ledger);
  const files: string[] = [];
  if (out !== undefined) {
    const folder = resolve(out);
    mkdirSync(folder, { recursive: true });
    const write = (name: string, text: string) => {
      replaceFile(join(folder, name), text, PUBLIC_FILE_MODE);
      files.push(join(folder, name));
    };
    for (const [mspId, profile] of Object.entries(profiles))
      write(`connection-${mspId}.json`, `${JSON.stringify(profile, undefined, 2)}\n`);
    write('topology.mmd', diagram);
  }
  return { profiles, topology: diagram, files };
}
