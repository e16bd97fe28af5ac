import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ensureChaincodeBuilder } from '../../../network/fabric/chaincode-builder.js';
import { chaincodePackage } from '../../../network/fabric/chaincode-package.js';
import { builtChaincodeFolder } from '../../../network/fabric/fabric-paths.js';
import { peerOrganisations } from '../../../network/fabric/members.js';
import { tarGz } from '../../../network/fabric/tape-archive.js';
import { ensureIdentities, readTls } from '../../../network/identities/index.js';
import { localTopology } from '../../../network/topology.js';

const topology = localTopology(20_000);
const [hospitalA, hospitalB] = peerOrganisations(topology).map(({ peer }) => chaincodePackage(topology, peer));

/** Of metadata.json holding `{}`: Python's tarfile (ustar, no times, mode 644) in one stored block of RFC 1951. */
const SHA256_OF_ONE_FILE = '91241651edcebbcd251b4863808b195bffff3a0559ce701926a28d5c13f7ba80';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'fabric-package-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe('tarGz', () => {
  it('is a tar in gzip to other programs, with all bytes', () => {
    const content = Buffer.from(Array.from({ length: 1_300 }, (_, index) => index % 256));
    const archive = join(folder, 'a.tar.gz');
    writeFileSync(
      archive,
      tarGz([
        { name: 'one.bin', content },
        { name: 'empty', content: Buffer.alloc(0) },
      ]),
    );
    execFileSync('tar', ['-xzf', archive, '-C', folder]);
    expect(readFileSync(join(folder, 'one.bin')).equals(content)).toBe(true);
    expect(readFileSync(join(folder, 'empty'))).toHaveLength(0);
  });

  it('has a length and a check sum that fit, beyond one block of deflate', () => {
    const content = Buffer.alloc(200_000, 7);
    expect(
      gunzipSync(tarGz([{ name: 'long', content }]))
        .subarray(512, 200_512)
        .equals(content),
    ).toBe(true);
  });

  it('has the same bytes whenever it is made', () => {
    const bytes = tarGz([{ name: 'metadata.json', content: Buffer.from('{}') }]);
    expect(createHash('sha256').update(bytes).digest('hex')).toBe(SHA256_OF_ONE_FILE);
  });

  it('refuses a name that does not fit', () => {
    expect(() => tarGz([{ name: 'x'.repeat(101), content: Buffer.alloc(1) }])).toThrow('too long');
  });
});

describe('chaincodePackage', () => {
  it('is named by label and the hash of its bytes', () => {
    const hash = createHash('sha256')
      .update(hospitalA?.bytes ?? Buffer.alloc(0))
      .digest('hex');
    expect(hospitalA?.id).toBe(`medledger_1.0:${hash}`);
  });

  it('differs between organisations, as their services listen elsewhere', () => {
    expect(hospitalA?.id).not.toBe(hospitalB?.id);
  });

  it('holds metadata, and the address of the service inside the code', () => {
    unpack(hospitalA?.bytes, folder);
    expect(JSON.parse(readFileSync(join(folder, 'metadata.json'), 'utf8'))).toEqual({
      type: 'ccaas',
      label: 'medledger_1.0',
    });
    unpack(readFileSync(join(folder, 'code.tar.gz')), folder);
    const connection = JSON.parse(readFileSync(join(folder, 'connection.json'), 'utf8'));
    expect(connection).toMatchObject({ address: '127.0.0.1:20040', tls_required: true, client_auth_required: true });
    // Whoever is given the package is given no key.
    expect(JSON.stringify(connection)).not.toContain('BEGIN');
  });
});

describe('the external builder', () => {
  const [organisation] = peerOrganisations(topology);
  if (organisation === undefined) throw new Error('an organisation has a peer');
  const builderOf = async (dataDir: string) => {
    await ensureIdentities(topology, dataDir);
    const builder = ensureChaincodeBuilder(dataDir, organisation);
    return (name: string, ...args: string[]) => execFileSync(join(builder, 'bin', name), args, { stdio: 'ignore' });
  };

  it('recognises the package, and puts in what the peer shows the service and expects of it', async () => {
    const dataDir = join(folder, 'data');
    const program = await builderOf(dataDir);
    const [code, metadata, output, release] = ['code', 'metadata', 'output', 'release'].map((name) => {
      mkdirSync(join(folder, name));
      return join(folder, name);
    }) as [string, string, string, string];
    unpack(hospitalA?.bytes, metadata);
    unpack(readFileSync(join(metadata, 'code.tar.gz')), code);
    program('detect', code, metadata);
    program('build', code, metadata, output);
    program('release', output, release);
    const path = join(release, 'chaincode', 'server', 'connection.json');
    const tls = readTls(dataDir, organisation.domain, { kind: 'peer', host: organisation.peer.host });
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual({
      address: '127.0.0.1:20040',
      dial_timeout: '1s',
      tls_required: true,
      client_auth_required: true,
      domain: 'chaincode.hospital-a.medledger.example',
      client_key: tls.keyPem,
      client_cert: tls.certificatePem,
      root_cert: tls.caPem,
    });
    expect(statSync(path).mode & 0o077).toBe(0);
  });

  it('leaves other kinds of chaincode to other builders', async () => {
    const program = await builderOf(folder);
    writeFileSync(join(folder, 'metadata.json'), '{"type":"node","label":"x"}');
    expect(() => program('detect', folder, folder)).toThrow();
  });

  it('has the peer build again when its certificates are others, and not otherwise', async () => {
    await builderOf(folder);
    const built = builtChaincodeFolder(folder, organisation.peer.host);
    mkdirSync(built, { recursive: true });
    await builderOf(folder);
    expect(existsSync(built)).toBe(true);
    const nextYearMs = Date.now() + 700 * 86_400_000;
    await ensureIdentities(topology, folder, { nowMs: nextYearMs });
    ensureChaincodeBuilder(folder, organisation);
    expect(existsSync(built)).toBe(false);
  });
});

function unpack(bytes: Uint8Array | undefined, target: string): void {
  const archive = join(folder, 'unpacked.tar.gz');
  writeFileSync(archive, bytes ?? Buffer.alloc(0));
  execFileSync('tar', ['-xzf', archive, '-C', target]);
}
