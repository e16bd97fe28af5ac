import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PRIVATE_FILE_MODE, PUBLIC_FILE_MODE, replaceFile } from '../identities/durable-file.js';
import { chaincodeHost, readTls } from '../identities/index.js';
import { builderFolder, builtChaincodeFolder } from './fabric-paths.js';
import type { PeerOrganisation } from './members.js';

const PROGRAMS = ['detect', 'build', 'release'] as const;

/** Called by the peer as `detect CODE METADATA`, `build CODE METADATA OUTPUT`, `release OUTPUT RELEASE`. */
const SCRIPTS: Readonly<Record<(typeof PROGRAMS)[number], string>> = {
  detect: 'grep -Eq \'"type" *: *"ccaas"\' "$2/metadata.json"',
  build: 'cp "$1/connection.json" "$3/connection.json"',
  release:
    'umask 077\nmkdir -p "$2/chaincode/server"\n' +
    'sed -f "$(dirname "$0")/../connection.sed" "$1/connection.json" > "$2/chaincode/server/connection.json"',
};
const SCRIPT_MODE = 0o755;

/**
 * The external builder of one peer for chaincode as a service: three lines of shell that take the address out of the
 * package, build nothing, and put in what the peer shows the service and expects of it. Fabric's own builder has these
 * only from the package or from the peer's environment, and a private key belongs into neither.
 *
 * Certificates that were renewed since are used from the peer's next start on. Call it before the peer runs.
 *
 * @returns the folder that core.yaml names
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/cc_launcher.html
 */
export function ensureChaincodeBuilder(dataDir: string, organisation: PeerOrganisation): string {
  const { host } = organisation.peer;
  const folder = builderFolder(dataDir, host);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const program of PROGRAMS) {
    const path = join(folder, 'bin', program);
    ensureFile(path, `#!/bin/sh\nset -e\n${SCRIPTS[program]}\n`, PUBLIC_FILE_MODE);
    chmodSync(path, SCRIPT_MODE);
  }
  const isNew = ensureFile(join(folder, 'connection.sed'), substitutions(dataDir, organisation), PRIVATE_FILE_MODE);
  // What was released with other certificates; a peer that finds nothing asks the builder again.
  if (isNew) rmSync(builtChaincodeFolder(dataDir, host), { recursive: true, force: true });
  return folder;
}

/** Fills the `{{.name}}` of the package's connection.json, by the names that Fabric's own builder has for them. */
function substitutions(dataDir: string, { domain, peer }: PeerOrganisation): string {
  const { certificatePem, keyPem, caPem } = readTls(dataDir, domain, { kind: 'peer', host: peer.host });
  const values = {
    domain: chaincodeHost(domain),
    client_key: keyPem,
    client_cert: certificatePem,
    root_cert: caPem,
  };
  return Object.entries(values)
    .map(([name, value]) => `s|{{\\.${name}}}|${replacement(value)}|\n`)
    .join('');
}

/** As it stands inside a JSON string, with what sed takes for itself escaped. */
function replacement(value: string): string {
  return JSON.stringify(value)
    .slice(1, -1)
    .replaceAll(/[\\|&]/g, '\\$&');
}

/** @returns whether it was missing or different */
function ensureFile(path: string, text: string, mode: number): boolean {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false;
  replaceFile(path, text, mode);
  return true;
}
