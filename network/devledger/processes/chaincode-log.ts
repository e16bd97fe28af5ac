import { closeSync, copyFileSync, existsSync, fstatSync, openSync, readSync, statSync, truncateSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

const REASON_BYTES = 8_000;
const WORDS_MAX = 500;
const LOG_MAX_BYTES = 10 * 1024 * 1024;
/** As a shell tells that a process was ended by signal 9. */
const KILLED_STATUS = 137;
/** What runtimes begin the line with that says what went wrong; after it come traces and versions. */
const FAULT =
  /^(?:Uncaught )?(?:[A-Z]\w*Error\b|Error\b|FATAL ERROR|<--- Last|panic:|fatal error:|cannot |.*\berror TS\d)/;
const TRACE = /^(?:at |Node\.js v|\^|[{}]|goroutine |exit status |npm (?:error|ERR!))/;

/**
 * Keeps the log of a chaincode that prints without end below a size: what is older is kept once, beside it. Whoever
 * writes goes on writing to the same file, which begins anew.
 */
export function boundLog(path: string): void {
  if (!existsSync(path) || statSync(path).size < LOG_MAX_BYTES) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

/** The line of this run that says most about why it ended: the last that names a fault, else the last one. */
export function lastWords(path: string, fromByte: number): string {
  const lines = tailOf(path, fromByte)
    .split('\n')
    .map((line) => line.trim());
  const said = lines.filter((line) => line !== '' && !TRACE.test(line));
  return (said.findLast((line) => FAULT.test(line)) ?? said.at(-1) ?? '').slice(0, WORDS_MAX);
}

/** In words that are understood without a table of signals. */
export function howItEnded(status: number | null, signal: string | null): string {
  if (signal === 'SIGKILL' || status === KILLED_STATUS) {
    return 'SIGKILL: somebody killed it, or the system, which does that where memory runs out';
  }
  return signal ?? `status ${status}`;
}

/** Without the colours of terminals. */
function tailOf(path: string, fromByte: number): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    // The log may have begun anew since.
    const bytes = Buffer.alloc(Math.min(size < fromByte ? size : size - fromByte, REASON_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return stripVTControlCharacters(bytes.toString('utf8'));
  } finally {
    closeSync(file);
  }
}
