import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from '@jest/globals';
import { ensureIdentities } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

export const HOSPITAL_A = 'hospital-a.medledger.example';
export const PASSWORD = 'correct horse battery';
/** Least that argon2id takes: these tests ask who may open what, not how long it takes. */
export const CHEAP = { memoryKib: 8, passes: 1, parallelism: 1 };

/** A folder that goes when the tests of the file are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'identity-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A data folder with the certificates of the whole consortium. */
export async function makeIdentities(dataDir: string): Promise<void> {
  await ensureIdentities(localTopology(), dataDir);
}

/** A clock that the test sets. */
export function testClock(startMs: number): { nowMs: () => number; pass: (ms: number) => void } {
  let currentMs = startMs;
  return {
    nowMs: () => currentMs,
    pass: (ms) => {
      currentMs += ms;
    },
  };
}
