import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Consensus } from '../../../network/topology.js';
import { chooseConsensus } from '../../../scripts/start/consensus-choice.js';
import { openDataFolder } from '../../../scripts/start/data-folder.js';
import type { LedgerKind } from '../../../scripts/start/ledger-choice.js';

let path: string;

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'consensus-'));
});
afterEach(() => rmSync(path, { recursive: true, force: true }));

async function made(ledger: LedgerKind, consensus?: Consensus): Promise<void> {
  const chosen = consensus === undefined ? {} : { consensus };
  const folder = await openDataFolder({ path, channel: 'medledger', ledger, nowMs: 0, ...chosen });
  folder.release();
}

describe('how the orderers agree', () => {
  it('is by Raft in a new folder, unless the option says otherwise', () => {
    expect(chooseConsensus(path, { ledger: 'fabric' })).toBe('raft');
    expect(chooseConsensus(path, { ledger: 'fabric', consensus: 'bft' })).toBe('bft');
  });

  it('stays as the folder was made, with the option and without it', async () => {
    await made('fabric', 'bft');
    expect(chooseConsensus(path, { ledger: 'fabric' })).toBe('bft');
    expect(chooseConsensus(path, { ledger: 'fabric', consensus: 'bft' })).toBe('bft');
    await expect(made('fabric', 'bft')).resolves.toBeUndefined();
  });

  it('is refused where it contradicts the folder, with what to do', async () => {
    await made('fabric', 'bft');
    const otherwise = () => chooseConsensus(path, { ledger: 'fabric', consensus: 'raft' });
    expect(otherwise).toThrow(/agree by bft, not by raft; start it with --consensus bft, or choose another folder/);
    await expect(made('fabric', 'raft')).rejects.toThrow('--consensus bft');
  });

  it('is Raft in a folder from before there was a choice', async () => {
    await made('fabric', 'raft');
    const file = join(path, 'consortium.json');
    const { consensus, ...before } = JSON.parse(readFileSync(file, 'utf8'));
    expect(consensus).toBe('raft');
    writeFileSync(file, JSON.stringify(before));
    expect(chooseConsensus(path, { ledger: 'fabric' })).toBe('raft');
    expect(() => chooseConsensus(path, { ledger: 'fabric', consensus: 'bft' })).toThrow('--consensus raft');
  });

  it('is no question on the embedded ledger', async () => {
    expect(() => chooseConsensus(path, { ledger: 'devledger', consensus: 'bft' })).toThrow('--ledger fabric');
    await made('devledger');
    expect(readFileSync(join(path, 'consortium.json'), 'utf8')).not.toContain('consensus');
  });
});
