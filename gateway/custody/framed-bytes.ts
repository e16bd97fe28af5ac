import { taggedBytes, uint64Bytes } from '@medledger/chaincode/domain';

export type FramedField = string | number | Uint8Array;

/**
 * One unambiguous byte string out of a tag and fields: every part is preceded by its length, so no two
 * different lists of parts of the same types give the same bytes.
 *
 * @param tag - names the use, so that bytes made for one purpose never serve another
 * @param fields - strings as UTF-8, whole numbers as 8 bytes big-endian, bytes as they are
 * @returns 4-byte big-endian length and content of the tag, then of each field
 */
export function framedBytes(tag: string, fields: readonly FramedField[]): Uint8Array<ArrayBuffer> {
  return new Uint8Array(taggedBytes(tag, fields.map(fieldBytes)));
}

/** The bytes that tie a ciphertext to its place: one version of one record on one channel. */
export function recordContext(place: { channel: string; recordId: string; version: number }): Uint8Array<ArrayBuffer> {
  return framedBytes('medledger/record-context/v1', [place.channel, place.recordId, place.version]);
}

function fieldBytes(field: FramedField): Uint8Array {
  if (typeof field === 'string') return Buffer.from(field, 'utf8');
  if (typeof field !== 'number') return field;
  if (!Number.isSafeInteger(field) || field < 0)
    throw new RangeError(`A framed number is whole and not negative: ${field}`);
  return uint64Bytes(field);
}
