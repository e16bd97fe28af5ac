import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import { FabricError } from './fabric-error.js';
import { runOrFail } from './run-command.js';

/** Paths of Fabric's programs. */
export interface FabricBinaries {
  /** Folder of the programs. */
  readonly folder: string;
  readonly peer: string;
  readonly orderer: string;
  readonly configtxgen: string;
}

/** The release that the network is made for and tried with. */
export const FABRIC_VERSION = '3.1.5';
const PROGRAMS = ['peer', 'orderer', 'configtxgen'] as const;
const MAJOR_MINOR = FABRIC_VERSION.split('.').slice(0, 2).join('.');

export interface BinariesPlace {
  /** `--bin`. */
  readonly given?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where a downloaded release lies; see download-release.ts. */
  readonly downloaded: string;
}

/**
 * Finds Fabric's programs: where `--bin` says, else where FABRIC_BIN says, else on the PATH, else where a release was
 * downloaded to. A folder that was named and does not hold them is an error; nothing else is looked for then.
 *
 * @returns undefined when no folder was named and none holds them
 * @throws FabricError FABRIC_BINARIES_MISSING
 */
export function findBinaries({ given, env, downloaded }: BinariesPlace): FabricBinaries | undefined {
  const named = given ?? (env.FABRIC_BIN === '' ? undefined : env.FABRIC_BIN);
  if (named !== undefined) {
    const folder = resolve(named);
    const missing = PROGRAMS.find((program) => !isProgram(join(folder, program)));
    if (missing === undefined) return binariesIn(folder);
    throw new FabricError(
      'FABRIC_BINARIES_MISSING',
      `${folder} holds no program ${missing}; name the bin folder of a Fabric ${MAJOR_MINOR} release with --bin or FABRIC_BIN.`,
    );
  }
  const places = [...(env.PATH ?? '').split(delimiter).filter((folder) => folder !== ''), downloaded];
  const folder = places.find((place) => PROGRAMS.every((program) => isProgram(join(place, program))));
  return folder === undefined ? undefined : binariesIn(resolve(folder));
}

/** What to say when `findBinaries` found none. */
export function binariesMissing(): FabricError {
  return new FabricError(
    'FABRIC_BINARIES_MISSING',
    `peer, orderer and configtxgen of Hyperledger Fabric ${FABRIC_VERSION} were not found; name their folder with --bin or FABRIC_BIN, or fetch the release with \`npm run network -- download\`, or leave out --ledger fabric to use the embedded ledger.`,
  );
}

/**
 * Asks the programs which release they are.
 *
 * @returns e.g. `v3.1.5`
 * @throws FabricError FABRIC_BINARIES_MISSING when it is another one than the network is made for
 */
export async function requireVersion({ peer, folder }: FabricBinaries): Promise<string> {
  const { stdout } = await runOrFail({ program: peer, args: ['version'], env: {} });
  const version = stdout
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line.startsWith('Version: '))
    ?.slice('Version: '.length);
  const plain = version?.startsWith('v') === true ? version.slice(1) : version;
  if (version !== undefined && plain?.startsWith(`${MAJOR_MINOR}.`) === true) return version;
  throw new FabricError(
    'FABRIC_BINARIES_MISSING',
    `${folder} holds Fabric ${version ?? 'of an unknown version'}; this network needs ${MAJOR_MINOR}, tried with ${FABRIC_VERSION}: name another folder with --bin or FABRIC_BIN.`,
  );
}

function binariesIn(folder: string): FabricBinaries {
  const path = (program: (typeof PROGRAMS)[number]) => join(folder, program);
  return { folder, peer: path('peer'), orderer: path('orderer'), configtxgen: path('configtxgen') };
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
