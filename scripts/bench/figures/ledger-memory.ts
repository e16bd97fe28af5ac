import { type Figure, figureOf, keepInFlight } from '../figure.js';
import { cpuMsOf } from '../process-cpu.js';
import { rssBytesOf } from '../process-memory.js';
import { type FreshLedger, firstCommit } from './ledger-own.js';

const TARGET = 1.1;
const CLIENTS = 64;
const VALUE = 'v'.repeat(100);
/** Transactions committed when its memory is looked at. */
const EARLY = 5_000;
const MIDDLE = 20_000;
const LATE = 50_000;
const MEBIBYTE = 1024 * 1024;

/**
 * Memory of the embedded ledger's process after many transactions, over that after few. Each puts a key of its own, so
 * that state, history and transaction index grow with every one of them. Takes two to four minutes.
 */
export async function measureLedgerMemory({ bare, ledgerPid }: FreshLedger): Promise<Figure> {
  await firstCommit(bare);
  const freshMiB = rssMiB(ledgerPid);
  const beforeMs = cpuMsOf([ledgerPid]);
  let committed = 0;
  const rssAfter = async (count: number) => {
    const from = committed;
    await keepInFlight({ count: count - from, inFlight: CLIENTS }, (index) =>
      bare.submit('put', `key${from + index}`, VALUE),
    );
    committed = count;
    return rssMiB(ledgerPid);
  };
  const earlyMiB = await rssAfter(EARLY);
  const middleMiB = await rssAfter(MIDDLE);
  const lateMiB = await rssAfter(LATE);
  const cpuMs = (cpuMsOf([ledgerPid]) - beforeMs) / LATE;
  return figureOf({
    title: `memory of the embedded ledger at ${LATE} transactions / at ${EARLY}`,
    unit: 'MiB',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: `RSS at ${LATE}`, baseline: `RSS at ${EARLY}` },
    rounds: [{ measured: lateMiB, baseline: earlyMiB }],
    notes: [
      `RSS after the first transaction ${freshMiB.toFixed(0)} MiB, at ${MIDDLE} ${middleMiB.toFixed(0)} MiB`,
      `CPU of its process for each put, ${CLIENTS} at once: ${cpuMs.toFixed(2)} ms`,
    ],
  });
}

function rssMiB(pid: number): number {
  return rssBytesOf(pid) / MEBIBYTE;
}
