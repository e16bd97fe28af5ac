import { readFileSync } from 'node:fs';

/** Linux counts in ticks of 10 ms towards user programs on every platform that Node runs on (man 5 proc, USER_HZ). */
const TICK_MS = 10;
/** In /proc/<pid>/stat, counted from the field after the name: utime is field 14, stime field 15 (man 5 proc). */
const UTIME = 11;
const STIME = 12;

/**
 * CPU time of other processes since their start, all threads, user and system together, in milliseconds. Steps of
 * 10 ms: a round needs a second or more of it to be told to one in a hundred.
 *
 * @throws Error ENOENT when one of them has ended, or on a system without /proc
 */
export function cpuMsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuMs(pid), 0);
}

/** CPU time of this process so far, in milliseconds. */
export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The name, in brackets, may itself hold blanks and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME]) + Number(fields[STIME])) * TICK_MS;
}
