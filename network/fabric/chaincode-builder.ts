import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { builderFolder } from './fabric-paths.js';

const PROGRAMS = ['detect', 'build', 'release'] as const;

/** Called by the peer as `detect CODE METADATA`, `build CODE METADATA OUTPUT`, `release OUTPUT RELEASE`. */
const SCRIPTS: Readonly<Record<(typeof PROGRAMS)[number], string>> = {
  detect: 'grep -Eq \'"type" *: *"ccaas"\' "$2/metadata.json"',
  build: 'cp "$1/connection.json" "$3/connection.json"',
  release: 'mkdir -p "$2/chaincode/server" && cp "$1/connection.json" "$2/chaincode/server/connection.json"',
};

/**
 * The external builder for chaincode as a service: Fabric's own where its release lies around the binaries, else three
 * lines of shell in the data folder. Either one takes the address out of the package and builds nothing.
 *
 * @param binDir - where the peer's binary lies
 * @returns the folder that core.yaml names
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/cc_launcher.html
 */
export function ensureChaincodeBuilder(dataDir: string, binDir: string): string {
  const released = join(dirname(binDir), 'builders', 'ccaas');
  if (PROGRAMS.every((program) => existsSync(join(released, 'bin', program)))) return released;
  const folder = builderFolder(dataDir);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  for (const program of PROGRAMS) writeScript(join(folder, 'bin', program), `#!/bin/sh\nset -e\n${SCRIPTS[program]}\n`);
  return folder;
}

/** Left alone where it is right: a peer may be running it. */
function writeScript(path: string, text: string): void {
  if (!existsSync(path) || readFileSync(path, 'utf8') !== text) writeFileSync(path, text);
  chmodSync(path, 0o755);
}
