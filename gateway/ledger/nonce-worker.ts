import { parentPort } from 'node:worker_threads';
// As a package, never by path: this file also runs as it is, from source, where Node strips its types.
import { solve } from '@medledger/chaincode/domain';
import type { PuzzleMessage, SolutionMessage } from './nonce-solver.js';

parentPort?.on('message', ({ id, headerHash, difficulty, attemptsMax }: PuzzleMessage) => {
  const solution = solve({ headerHash, difficulty, attemptsMax });
  const answer: SolutionMessage = solution === undefined ? { id } : { id, ...solution };
  parentPort?.postMessage(answer);
});
