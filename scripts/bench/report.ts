import type { Figure, Side, Target } from './figure.js';
import type { Machine } from './machine.js';

export function machineLine(machine: Machine): string {
  const { cpu, cores, memoryGiB, system, node, loadBefore } = machine;
  return `${cpu}, ${cores} cores, ${memoryGiB} GiB · ${system} · Node ${node} · load before ${loadBefore.toFixed(2)}`;
}

export function figureLines(figure: Figure): readonly string[] {
  const { title, unit, target, ratio, measured, baseline, isMet, isNoisy, notes } = figure;
  const verdict = `${isMet ? 'PASS' : 'MISS'}${isNoisy ? ' (noisy: the baseline moved more than 25 %)' : ''}`;
  return [
    `${title}: ${ratio.toPrecision(3)}, target ${targetText(target)}  ${verdict}`,
    `  ratios of the rounds: ${roundsText(figure)}  spread ${percent(figure.spread)}`,
    `  ${sideText(measured, unit)}`,
    `  ${sideText(baseline, unit)}`,
    ...notes.map((note) => `  ${note}`),
  ];
}

function targetText({ comparison, value }: Target): string {
  return `${comparison === 'at most' ? '≤' : '≥'} ${value.toPrecision(3)}`;
}

function roundsText({ rounds }: Figure): string {
  return rounds.map(({ measured, baseline }) => (measured / baseline).toPrecision(3)).join('  ');
}

function sideText(side: Side, unit: string): string {
  return `${side.name}: ${side.median.toPrecision(4)} ${unit}, spread ${percent(side.spread)}`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}
