import { isMainThread } from 'node:worker_threads';

/**
 * Loaded before the program of every process of the network (`node --import`): the process ends when the one that
 * started it does, however that ended. The parent holds the other end of standard input and never writes to it, so
 * its end is the parent's end. Works for programs that are not ours, such as the chaincode server of fabric-shim.
 */

/** As long as the parent would have waited. */
const GRACE_MS = 10_000;

let isEnding = false;

// Worker threads run the same preloads and share the process.
if (isMainThread) {
  process.stdin.on('error', end);
  process.stdin.on('end', end);
  process.stdin.resume();
  // Listening must not keep a program alive that has nothing else to do.
  if ('unref' in process.stdin && typeof process.stdin.unref === 'function') process.stdin.unref();
  // The parent read these as well; without a listener the first line written after its end would be a crash.
  process.stdout.on('error', end);
  process.stderr.on('error', end);
}

function end(): void {
  if (isEnding) return;
  isEnding = true;
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), GRACE_MS).unref();
  process.kill(process.pid, 'SIGTERM');
}
