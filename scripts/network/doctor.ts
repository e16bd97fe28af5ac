import { existsSync, statfsSync, statSync } from 'node:fs';
import { availableParallelism, freemem } from 'node:os';
import { dirname, join } from 'node:path';
import { requireVersion } from '../../network/fabric/binaries.js';
import { FabricError } from '../../network/fabric/fabric-error.js';
import { findLedger } from '../start/ledger-choice.js';
import { requireFreePorts } from '../start/ports.js';
import { StartError } from '../start/start-error.js';
import { isHeld, type NetworkContext } from './network-context.js';

export interface Finding {
  readonly what: string;
  readonly ok: boolean;
  /** What was found; where it is not ok, what to do. */
  readonly detail: string;
}

const GIB = 1024 ** 3;
const DISK_MIN_BYTES = 2 * GIB;
const MEMORY_MIN_BYTES = 1.5 * GIB;
const NODE_MAJOR_MIN = 24;
const CLOCK_BACK_MAX_MS = 60_000;

/** Looks for what would keep a network from starting, or from going on. */
export async function diagnose(context: NetworkContext): Promise<readonly Finding[]> {
  return [node(), ...(await programs(context)), await ports(context), disk(context), memory(), clock(context)];
}

function node(): Finding {
  const ok = Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_MIN;
  return {
    what: 'Node',
    ok,
    detail: ok ? process.version : `${process.version}: run it by npm, which brings Node ${NODE_MAJOR_MIN}`,
  };
}

async function programs({ ledger, bin }: NetworkContext): Promise<readonly Finding[]> {
  if (ledger === 'devledger') return [];
  const what = 'programs of Fabric';
  try {
    const binaries = findLedger(bin);
    if (binaries === undefined) {
      const detail =
        'not found; name their folder with --bin or FABRIC_BIN, or fetch the release with: npm run network -- download';
      return [{ what, ok: false, detail }];
    }
    return [{ what, ok: true, detail: `${await requireVersion(binaries)} in ${binaries.folder}` }];
  } catch (error) {
    if (!(error instanceof FabricError)) throw error;
    return [{ what, ok: false, detail: error.message }];
  }
}

async function ports({ dataDir, topology, ledger, portBase }: NetworkContext): Promise<Finding> {
  const what = 'ports';
  if (isHeld(dataDir)) return { what, ok: true, detail: 'the network runs' };
  try {
    await requireFreePorts(topology, { ledger, patienceMs: 0 });
    return { what, ok: true, detail: `free from ${portBase}` };
  } catch (error) {
    if (!(error instanceof StartError)) throw error;
    return { what, ok: false, detail: error.message };
  }
}

function disk({ dataDir }: NetworkContext): Finding {
  const { bavail, bsize } = statfsSync(nearestFolder(dataDir));
  const ok = bavail * bsize >= DISK_MIN_BYTES;
  const detail = `${gib(bavail * bsize)} free${ok ? '' : `; make room: a full disk stops the ledger (${gib(DISK_MIN_BYTES)} at least)`}`;
  return { what: 'disk', ok, detail };
}

function memory(): Finding {
  const ok = freemem() >= MEMORY_MIN_BYTES;
  const cores = `${availableParallelism()} cores, ${gib(freemem())} of memory free`;
  return { what: 'machine', ok, detail: ok ? cores : `${cores}; ${gib(MEMORY_MIN_BYTES)} are needed at least` };
}

/** Peers refuse what is two minutes off. A clock that went back is seen by files from the future. */
function clock({ dataDir }: NetworkContext): Finding {
  const files = ['place.json', 'consortium.json', 'processes.json']
    .map((name) => join(dataDir, name))
    .filter(existsSync);
  const newestMs = Math.max(0, ...files.map((file) => statSync(file).mtimeMs));
  const aheadMs = newestMs - Date.now();
  const ok = aheadMs <= CLOCK_BACK_MAX_MS;
  const detail = ok
    ? new Date().toISOString()
    : `${Math.round(aheadMs / 1000)} s behind the data folder; set the clock`;
  return { what: 'clock', ok, detail };
}

function nearestFolder(path: string): string {
  return existsSync(path) ? path : nearestFolder(dirname(path));
}

function gib(sizeBytes: number): string {
  return `${(sizeBytes / GIB).toFixed(1)} GiB`;
}
