import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DefinitionError } from '../definition/definition-error.js';
import { runTool } from './run-tool.js';

/** How one process of a chaincode is started; the peer's address is added where it dials in. */
export interface ChaincodeCommand {
  readonly program: string;
  readonly args: (peerAddress: string) => readonly string[];
  readonly cwd: string;
}

export interface ChaincodeFolder {
  /** What its author made: a Node package, or a Go module. */
  readonly folder: string;
  /** Where what is built goes, if not into the folder itself. */
  readonly outputDir: string;
  readonly logPath: string;
  /** Whether what was built before is taken as it is. */
  readonly isBuilt?: boolean;
}

interface Manifest {
  readonly scripts?: Readonly<Record<string, string>>;
}

/**
 * Builds a chaincode as its author says, and tells how it is run: a Node package by `npm install` where it has no
 * node_modules yet, its `build` script, and `npm start -- --peer.address …`; a Go module by `go build`. These are the
 * steps of Fabric's own builders and of the test network's deployCC.sh.
 *
 * @throws DefinitionError DEFINITION_INVALID when the folder holds neither, CHAINCODE_BUILD_FAILED
 */
export async function buildChaincode(place: ChaincodeFolder): Promise<ChaincodeCommand> {
  if (!existsSync(place.folder)) {
    throw new DefinitionError('DEFINITION_INVALID', `there is no folder ${place.folder}; name that of the chaincode.`);
  }
  if (existsSync(join(place.folder, 'package.json'))) return buildNodePackage(place);
  if (existsSync(join(place.folder, 'go.mod'))) return buildGoModule(place);
  throw new DefinitionError(
    'DEFINITION_INVALID',
    `${place.folder} holds neither a package.json nor a go.mod; give the folder of a Node or Go chaincode.`,
  );
}

async function buildNodePackage({ folder, logPath, isBuilt = false }: ChaincodeFolder): Promise<ChaincodeCommand> {
  const { scripts = {} } = readManifest(join(folder, 'package.json'));
  if (scripts.start === undefined) {
    throw new DefinitionError(
      'DEFINITION_INVALID',
      `the package.json in ${folder} has no start script; fabric-shim wants "start": "fabric-chaincode-node start".`,
    );
  }
  const place = { cwd: folder, logPath };
  if (!existsSync(join(folder, 'node_modules'))) await runTool(['npm', installVerb(folder), '--no-audit'], place);
  if (scripts.build !== undefined && !isBuilt) await runTool(['npm', 'run', 'build'], place);
  return {
    program: 'npm',
    args: (peerAddress) => ['start', '--silent', '--', '--peer.address', peerAddress],
    cwd: folder,
  };
}

function installVerb(folder: string): 'ci' | 'install' {
  const locks = ['package-lock.json', 'npm-shrinkwrap.json'];
  return locks.some((lock) => existsSync(join(folder, lock))) ? 'ci' : 'install';
}

async function buildGoModule({
  folder,
  outputDir,
  logPath,
  isBuilt = false,
}: ChaincodeFolder): Promise<ChaincodeCommand> {
  mkdirSync(outputDir, { recursive: true });
  const program = join(outputDir, 'chaincode');
  if (!isBuilt || !existsSync(program)) await runTool(['go', 'build', '-o', program, '.'], { cwd: folder, logPath });
  return { program, args: (peerAddress) => [`-peer.address=${peerAddress}`], cwd: folder };
}

function readManifest(path: string): Manifest {
  try {
    return parseManifest(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new DefinitionError('DEFINITION_INVALID', `${path} is no package manifest (${String(cause)}); mend it.`, {
      cause,
    });
  }
}

function parseManifest(value: unknown): Manifest {
  return value as Manifest;
}
