import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { arch, platform } from 'node:os';
import { dirname, join } from 'node:path';
import { FABRIC_VERSION } from './binaries.js';
import { FabricError } from './fabric-error.js';
import { runOrFail } from './run-command.js';

/**
 * SHA-256 of the release archives of Fabric 3.1.5, by platform, as package maintainers publish them (Homebrew's
 * formula; for linux-amd64 the Arch package too).
 */
const ARCHIVE_SHA256: Readonly<Record<string, string>> = {
  'linux-amd64': 'b9c31fd490991e76f8acb1835dee09fc19fee5428cb13e190ee6e0bdd2c37858',
  'linux-arm64': '4a42cad740a7e0373eda6bf1e27c86e9b06132f9bb751daf7f0f7dc1d1bbfed9',
  'darwin-arm64': 'd67a5c3366746a984f8ee9ae0ebf5c8b357c9d33dd589fa0b7668d739472cef0',
  'darwin-amd64': '866b64b036ba9eff51ba2131bbe34b4b9057192f5766859ede22ea1cdd564158',
};
const RELEASES = 'https://github.com/hyperledger/fabric/releases/download';
/** The archive has some 125 MB. */
const DOWNLOAD_MS = 10 * 60_000;

export interface DownloadOptions {
  /** Where the release is to lie; its programs are in `bin` below. Replaced as a whole. */
  readonly folder: string;
  readonly say: (line: string) => void;
  /** For tests and mirrors; GitHub's where left out. */
  readonly baseUrl?: string;
  readonly sha256?: string;
}

/**
 * Fetches the official release and unpacks it, after its bytes were found to be the ones that are pinned.
 *
 * @throws FabricError FABRIC_DOWNLOAD_FAILED; nothing is left behind then
 */
export async function downloadRelease({ folder, say, baseUrl = RELEASES, sha256 }: DownloadOptions): Promise<void> {
  const target = `${platform()}-${arch() === 'x64' ? 'amd64' : arch()}`;
  const expected = sha256 ?? ARCHIVE_SHA256[target];
  if (expected === undefined) throw failed(`there is no release for ${target}`);
  const url = `${baseUrl}/v${FABRIC_VERSION}/hyperledger-fabric-${target}-${FABRIC_VERSION}.tar.gz`;
  say(`fetching ${url}`);
  const archive = await fetchBytes(url);
  const found = createHash('sha256').update(archive).digest('hex');
  if (found !== expected) throw failed(`${url} has SHA-256 ${found} and not ${expected}, so it was not unpacked`);
  await unpack(archive, folder);
}

async function fetchBytes(url: string): Promise<Uint8Array> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(DOWNLOAD_MS) });
    if (!response.ok) throw new Error(`answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    throw failed(`${url} could not be fetched (${reasonOf(cause)})`, cause);
  }
}

async function unpack(archive: Uint8Array, folder: string): Promise<void> {
  const fresh = `${folder}.new`;
  const file = join(fresh, 'release.tar.gz');
  rmSync(fresh, { recursive: true, force: true });
  mkdirSync(fresh, { recursive: true });
  try {
    writeFileSync(file, archive);
    await runOrFail({ program: 'tar', args: ['-xzf', file, '-C', fresh], env: {} });
    rmSync(file);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(dirname(folder), { recursive: true });
    renameSync(fresh, folder);
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
}

function failed(what: string, cause?: unknown): FabricError {
  return new FabricError(
    'FABRIC_DOWNLOAD_FAILED',
    `${what}; without internet, bring Fabric ${FABRIC_VERSION} here by other means and name its bin folder with --bin or FABRIC_BIN, or leave out --ledger fabric.`,
    { cause },
  );
}

/** What `fetch` failed of is in the cause of its error. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error) return 'code' in cause ? String(cause.code) : cause.message;
  return error.message;
}
