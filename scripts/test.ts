import { runJest } from './tests/run-jest.js';

/** `npm test`; with --full, tests that take random samples take many more of them. All else is handed on to jest. */
const FULL = '--full';
const given = process.argv.slice(2);
const status = await runJest(
  given.filter((argument) => argument !== FULL),
  given.includes(FULL) ? { MEDLEDGER_FULL: '1' } : {},
);
// Listening for signals keeps the process alive.
process.exit(status);
