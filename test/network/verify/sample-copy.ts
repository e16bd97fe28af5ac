import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from '@jest/globals';
import { NextToLast } from 'blockstore-fs/sharding';
import { CID } from 'multiformats/cid';
import { localTopology } from '../../../network/topology.js';
import { type VerifyOptions, type VerifyReport, verifyDataFolder } from '../../../scripts/verify/verify-data-folder.js';
import type { SampleStory } from './sample-story.js';
import { peerFolder, statIfThere } from './spoil.js';

/** A copy of the sample network's data, to spoil and to look at. */
export class SampleCopy {
  readonly dataDir: string;
  readonly story: SampleStory;
  readonly topology = localTopology();

  constructor(source: string, story: SampleStory) {
    this.dataDir = join(mkdtempSync(join(tmpdir(), 'verify-copy-')), 'data');
    this.story = story;
    cpSync(source, this.dataDir, { recursive: true });
  }

  remove(): void {
    rmSync(dirname(this.dataDir), { recursive: true, force: true });
  }

  look(options: Partial<VerifyOptions> = {}): Promise<VerifyReport> {
    return verifyDataFolder({ dataDir: this.dataDir, topology: this.topology, vault: true, custody: true, ...options });
  }

  /** As `check organisation · where: what`. */
  async findings(options: Partial<VerifyOptions> = {}): Promise<string[]> {
    const { checks, ok } = await this.look(options);
    const lines = checks.flatMap((check) =>
      check.findings.map((finding) => `${finding.check} ${finding.organisation} · ${finding.where}: ${finding.what}`),
    );
    expect(ok).toBe(lines.length === 0);
    return lines;
  }

  lane(memberId: string) {
    return { patientId: this.story.patientId, memberId };
  }

  peer(mspId: string): string {
    return peerFolder(this.dataDir, mspId).directory;
  }

  custodyFile(mspId: string, name: string): string {
    return join(this.dataDir, 'gateways', mspId, 'custody', name);
  }

  blockFile(mspId: string, cid: string): string {
    const { dir, file } = new NextToLast().encode(CID.parse(cid));
    return join(this.dataDir, 'gateways', mspId, 'vault', 'blocks', dir, file);
  }

  /** Nodes that hold a block. */
  holders(cid: string): string[] {
    const all = this.topology.organisations.map(({ mspId }) => mspId);
    return all.filter((mspId) => statIfThere(this.blockFile(mspId, cid)) !== undefined);
  }
}
