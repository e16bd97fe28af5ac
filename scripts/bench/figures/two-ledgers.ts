import type { BenchNetwork } from '../bench-network.js';
import type { BenchPatient } from '../bench-members.js';
import { type Figure, figureOf, interleave } from '../figure.js';
import { ClosedLoop, cpuLine } from './saturated-rate.js';

const RATE_TARGET = 2;
const BOOT_TARGET = 1 / 3;

interface OneLedger {
  readonly network: BenchNetwork;
  readonly patients: readonly BenchPatient[];
}

export interface TwoLedgers {
  readonly embedded: OneLedger;
  readonly fabric: OneLedger;
}

/** What each has added, so that it can be looked for afterwards. */
export interface RateFigure {
  readonly figure: Figure;
  readonly embeddedAdded: ReadonlyMap<BenchPatient, number>;
  readonly fabricAdded: ReadonlyMap<BenchPatient, number>;
}

/** The same organisations, load and machine: records:add in a closed loop, each ledger with the clients it does best with. */
export async function compareRates({ embedded, fabric }: TwoLedgers, count: number): Promise<RateFigure> {
  const [ours, theirs] = [embedded, fabric].map(({ network, patients }) => new ClosedLoop(network, patients));
  if (ours === undefined || theirs === undefined) throw new Error('invariant failed: two ledgers');
  const clients = { ours: await ours.saturation(), theirs: await theirs.saturation() };
  for (const loop of [ours, theirs]) loop.forgetCpu();
  const rounds = await interleave(count, {
    measured: () => ours.rate(clients.ours),
    baseline: () => theirs.rate(clients.theirs),
  });
  const figure = figureOf({
    title: 'saturated rate, embedded ledger / real Fabric',
    unit: 'records:add a second',
    target: { comparison: 'at least', value: RATE_TARGET },
    names: {
      measured: `embedded, ${clients.ours} clients`,
      baseline: `Fabric with Raft, ${clients.theirs} clients`,
    },
    rounds,
    notes: [
      'both run on this machine all the time; each is loaded in turn',
      `embedded: ${cpuLine(ours.cpu())}`,
      `Fabric: ${cpuLine(theirs.cpu())}`,
    ],
  });
  return { figure, embeddedAdded: ours.addedOf, fabricAdded: theirs.addedOf };
}

/** From processes that are not there to a channel that takes transactions of the product's chaincode. */
export async function compareBoots(
  boots: { readonly embedded: () => Promise<number>; readonly fabric: () => Promise<number> },
  count: number,
): Promise<Figure> {
  return figureOf({
    title: 'time to boot, embedded ledger / real Fabric',
    unit: 'ms',
    target: { comparison: 'at most', value: BOOT_TARGET },
    names: { measured: 'embedded', baseline: 'Fabric with Raft' },
    rounds: await interleave(count, { measured: boots.embedded, baseline: boots.fabric }),
    notes: ['in an empty folder, certificates made before; both chaincodes deployed'],
  });
}
