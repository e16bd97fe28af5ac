import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FABRIC_VERSION, findBinaries, requireVersion } from '../../../network/fabric/binaries.js';
import { downloadRelease } from '../../../network/fabric/download-release.js';
import { tarGz } from '../../../network/fabric/tape-archive.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fabric-binaries-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('findBinaries', () => {
  const find = (place: { given?: string; FABRIC_BIN?: string; PATH?: string }) =>
    findBinaries({
      given: place.given,
      env: { FABRIC_BIN: place.FABRIC_BIN, PATH: place.PATH },
      downloaded: join(folder, 'downloaded'),
    });

  it('--bin comes before FABRIC_BIN, that before the PATH, that before a downloaded release', () => {
    for (const name of ['given', 'named', 'on-path', 'downloaded']) programs(name);
    const [given, FABRIC_BIN, PATH] = ['given', 'named', 'on-path'].map((name) => join(folder, name));
    expect(find({ given, FABRIC_BIN, PATH } as never)?.folder).toBe(given);
    expect(find({ FABRIC_BIN, PATH } as never)?.folder).toBe(FABRIC_BIN);
    expect(find({ PATH: `/nowhere:${PATH}` })?.folder).toBe(PATH);
    expect(find({})?.folder).toBe(join(folder, 'downloaded'));
  });

  it('a folder that is named and lacks a program is an error that names it, and nothing else is taken', () => {
    programs('downloaded');
    programs('partial', ['peer', 'orderer']);
    expect(() => find({ FABRIC_BIN: join(folder, 'partial') })).toThrow(
      /^FABRIC_BINARIES_MISSING: .*partial holds no program configtxgen; .*--bin or FABRIC_BIN/,
    );
  });

  it('an empty FABRIC_BIN names nothing', () => {
    expect(find({ FABRIC_BIN: '' })).toBeUndefined();
  });
});

describe('requireVersion', () => {
  it.each([
    { said: `v${FABRIC_VERSION}`, ok: true },
    { said: '3.1.0', ok: true },
    { said: 'v2.5.12', ok: false },
    { said: 'v3.10.0', ok: false },
  ])('$said: $ok', async ({ said, ok }) => {
    const bin = programs(
      'bin',
      ['peer', 'orderer', 'configtxgen'],
      `#!/bin/sh\necho 'peer:'\necho ' Version: ${said}'\n`,
    );
    const binaries = findBinaries({ given: bin, env: {}, downloaded: '' });
    if (binaries === undefined) throw new Error('they are there');
    if (ok) await expect(requireVersion(binaries)).resolves.toBe(said);
    else await expect(requireVersion(binaries)).rejects.toThrow('FABRIC_BINARIES_MISSING');
  });
});

describe('downloadRelease', () => {
  const archive = tarGz([{ name: 'peer', content: Buffer.from('the program') }]);
  const sha256 = createHash('sha256').update(archive).digest('hex');
  let server: Server;
  let baseUrl = '';
  let status = 200;
  beforeEach(async () => {
    status = 200;
    server = createServer((_request, response) => response.writeHead(status).end(archive)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterEach(() => {
    server.close();
  });
  const say = () => {};

  it('unpacks what has the pinned hash', async () => {
    const target = join(folder, 'fabric');
    await downloadRelease({ folder: target, say, baseUrl, sha256 });
    expect(readFileSync(join(target, 'peer'), 'utf8')).toBe('the program');
  });

  it('unpacks nothing that has another one, and leaves what was there', async () => {
    programs('fabric');
    const download = downloadRelease({ folder: join(folder, 'fabric'), say, baseUrl, sha256: '00'.repeat(32) });
    await expect(download).rejects.toThrow(/^FABRIC_DOWNLOAD_FAILED: .*was not unpacked.*FABRIC_BIN/);
    expect(readdirSync(folder)).toEqual(['fabric']);
    expect(readdirSync(join(folder, 'fabric'))).toContain('orderer');
  });

  it('says what to do when it cannot be fetched', async () => {
    status = 404;
    const download = downloadRelease({ folder: join(folder, 'fabric'), say, baseUrl, sha256 });
    await expect(download).rejects.toThrow(/^FABRIC_DOWNLOAD_FAILED: .*\(answered 404\); without internet/);
  });
});

function programs(name: string, names = ['peer', 'orderer', 'configtxgen'], text = '#!/bin/sh\n'): string {
  const bin = join(folder, name);
  mkdirSync(bin, { recursive: true });
  for (const program of names) {
    writeFileSync(join(bin, program), text);
    chmodSync(join(bin, program), 0o755);
  }
  return bin;
}
