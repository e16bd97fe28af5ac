import { readFileSync } from 'node:fs';

/**
 * Memory of another process that is in the machine's memory now, shared pages included, in bytes.
 *
 * @throws Error ENOENT when it has ended, or on a system without /proc
 * @see man 5 proc, VmRSS
 */
export function rssBytesOf(pid: number): number {
  return parseRssBytes(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

function parseRssBytes(status: string): number {
  const line = status.split('\n').find((text) => text.startsWith('VmRSS:'));
  const [, kibibytes, unit] = line?.split(/\s+/) ?? [];
  if (unit !== 'kB') throw new Error('invariant failed: the kernel tells the resident size in kB');
  return Number(kibibytes) * 1024;
}
