import { crc32 } from 'node:zlib';

export interface ArchivedFile {
  readonly name: string;
  readonly content: Uint8Array;
}

const BLOCK_BYTES = 512;
const NAME_BYTES = 100;
const CHECKSUM_AT = 148;
const CHECKSUM_BYTES = 8;
/** Of one stored block, RFC 1951 section 3.2.4. */
const STORED_MAX_BYTES = 0xffff;
/** Of a member of gzip: no flags, no time, unknown operating system. */
const GZIP_HEADER = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);

/**
 * A tar in gzip that has the same bytes wherever and whenever it is made: no times, no owners, nothing compressed.
 * A chaincode package is known by its hash, so another byte would be another chaincode.
 *
 * @param files - in the order in which they are to lie; names of at most 100 bytes
 * @see POSIX.1-2017 pax, ustar interchange format; RFC 1951, RFC 1952
 */
export function tarGz(files: readonly ArchivedFile[]): Uint8Array {
  return gzipStored(Buffer.concat([...files.map(member), Buffer.alloc(2 * BLOCK_BYTES)]));
}

function member({ name, content }: ArchivedFile): Uint8Array {
  const padding = (BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES;
  return Buffer.concat([header(name, content.length), content, Buffer.alloc(padding)]);
}

function header(name: string, sizeBytes: number): Uint8Array {
  if (Buffer.byteLength(name) > NAME_BYTES) throw new Error(`invariant failed: ${name} is too long for a tar`);
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0);
  block.write(octal(0o644, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(sizeBytes, 11), 124);
  block.write(octal(0, 11), 136);
  block.fill(' ', CHECKSUM_AT, CHECKSUM_AT + CHECKSUM_BYTES);
  block.write('0', 156);
  block.write('ustar\u000000', 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\u0000 `, CHECKSUM_AT);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

/** Stored, by hand: what compresses, and where blocks end, differs between versions of zlib. */
function gzipStored(bytes: Uint8Array): Uint8Array {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += STORED_MAX_BYTES) {
    const part = bytes.subarray(at, at + STORED_MAX_BYTES);
    const isLast = at + STORED_MAX_BYTES >= bytes.length;
    const lengths = Buffer.alloc(5);
    lengths.writeUInt8(isLast ? 1 : 0, 0);
    lengths.writeUInt16LE(part.length, 1);
    lengths.writeUInt16LE(~part.length & 0xffff, 3);
    blocks.push(lengths, part);
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(bytes), 0);
  trailer.writeUInt32LE(bytes.length, 4);
  return Buffer.concat([GZIP_HEADER, ...blocks, trailer]);
}
