import type { CheckName, CheckResult, Finding } from './finding.js';
import type { VerifyReport } from './verify-data-folder.js';

/** So that a store that is damaged throughout does not push everything else off the screen. */
const LINES_PER_CHECK_MAX = 50;

const TITLES: Readonly<Record<CheckName, string>> = {
  peer: 'blocks and state',
  definitions: 'chaincode definitions',
  orderer: 'blocks of the orderer',
  agreement: 'peers against each other',
  lanes: 'lanes, entries, permits',
  register: 'members and register',
  consents: 'grants and revocations',
  vault: 'vault contents',
  decisions: 'decisions, made again',
  custody: 'key shares and releases',
};

/** What one check came to, for people: a line of its own, and one for each finding. */
export function linesOf(result: CheckResult): readonly string[] {
  const { check, organisation, counts, findings } = result;
  const looked = Object.entries(counts).map(([what, count]) => `${count} ${what}`);
  const verdict = findings.length === 0 ? 'OK ' : 'BAD';
  const head = `${verdict}  ${TITLES[check].padEnd(25)} ${organisation.padEnd(14)} ${looked.join(', ')}`.trimEnd();
  const shown = findings.slice(0, LINES_PER_CHECK_MAX).map(findingLine);
  const hidden = findings.length - shown.length;
  return hidden === 0 ? [head, ...shown] : [head, ...shown, `     … and ${hidden} more; --json lists all of them`];
}

function findingLine({ organisation, where, what, next }: Finding): string {
  return `     ${organisation} · ${where}: ${what} → ${next}`.replaceAll(/\s*\n\s*/g, ' ');
}

export function summaryLine({ checks, ok }: VerifyReport): string {
  const findings = checks.reduce((count, check) => count + check.findings.length, 0);
  return ok ? `All ${checks.length} checks passed.` : `${findings} findings in ${checks.length} checks.`;
}
