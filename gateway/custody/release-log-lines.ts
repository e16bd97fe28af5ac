import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { CustodyError } from './custody-errors.js';
import { framedBytes } from './framed-bytes.js';

const NEWLINE = 0x0a;
const LENGTH_DIGITS = 8;
const LINK_DIGITS = 64;
const PAYLOAD_OFFSET = LENGTH_DIGITS + 1 + LINK_DIGITS + 1;
const READ_SIZE_BYTES = 1 << 20;

export const LINE_SIZE_BYTES_MAX = 4 << 20;
export const FIRST_LINK_HEX = '0'.repeat(LINK_DIGITS);

/** `terminated` is false for the last piece of a file that does not end in a newline. */
export type RawLine = { readonly offset: number; readonly bytes: Buffer; readonly terminated: boolean };

/**
 * One line of the log: length of the payload (8 hex digits), link (64), payload, newline. The link is a hash over
 * the link before and the payload, so a line stands only where it was written.
 *
 * @param payload - JSON without a newline
 */
export function encodeLine(previousLinkHex: string, payload: string): { line: Buffer; linkHex: string } {
  const bytes = Buffer.from(payload, 'utf8');
  const linkHex = linkOf(previousLinkHex, bytes);
  const length = bytes.length.toString(16).padStart(LENGTH_DIGITS, '0');
  return { line: Buffer.concat([Buffer.from(`${length} ${linkHex} `, 'ascii'), bytes, Buffer.of(NEWLINE)]), linkHex };
}

/** The payload of a line and its link, or undefined when it is not what was written after the previous link. */
export function decodeLine(previousLinkHex: string, raw: RawLine): { payload: string; linkHex: string } | undefined {
  const payload = raw.bytes.subarray(PAYLOAD_OFFSET);
  const linkHex = linkOf(previousLinkHex, payload);
  const length = payload.length.toString(16).padStart(LENGTH_DIGITS, '0');
  const head = raw.bytes.subarray(0, PAYLOAD_OFFSET).toString('latin1');
  if (!raw.terminated || head !== `${length} ${linkHex} `) return undefined;
  return { payload: payload.toString('utf8'), linkHex };
}

/**
 * Whether a bad last line is one that a crash cut short before it was acknowledged: the file ends inside it, or
 * pages of it never reached the disk and read as zeros. A line that is whole but wrong was changed later.
 */
export function isTorn(raw: RawLine): boolean {
  if (raw.bytes.includes(0)) return true;
  const declared = Number.parseInt(raw.bytes.subarray(0, LENGTH_DIGITS).toString('latin1'), 16);
  // Only the newline may be what is missing.
  return !raw.terminated && !(raw.bytes.length > PAYLOAD_OFFSET + declared);
}

/** The lines of a log from its beginning, in portions: a log is never held in memory as a whole. */
export async function* readLines(handle: FileHandle): AsyncGenerator<RawLine> {
  const portion = Buffer.alloc(READ_SIZE_BYTES);
  let offset = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(portion, 0, READ_SIZE_BYTES, position);
    if (bytesRead === 0) break;
    position += bytesRead;
    rest = Buffer.concat([rest, portion.subarray(0, bytesRead)]);
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      yield { offset, bytes: Buffer.from(rest.subarray(0, end)), terminated: true };
      offset += end + 1;
      rest = rest.subarray(end + 1);
    }
    if (rest.length > LINE_SIZE_BYTES_MAX) throw corruptLine(offset);
  }
  if (rest.length > 0) yield { offset, bytes: rest, terminated: false };
}

export function corruptLine(offset: number): CustodyError {
  const advice = 'keep the file as evidence, restore the log from its backup and compare both';
  return new CustodyError('STORE_CORRUPT', `The release log was changed in the line at byte ${offset}: ${advice}`);
}

function linkOf(previousLinkHex: string, payload: Uint8Array): string {
  return createHash('sha256')
    .update(framedBytes('medledger/release-log/v1', [previousLinkHex, payload]))
    .digest('hex');
}
