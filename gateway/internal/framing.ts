import { lengthPrefixed } from '@medledger/chaincode/domain';

/** Many byte strings as one body: four bytes of length, big-endian, before each. */
export function frameAll(parts: readonly Uint8Array[]): Uint8Array {
  return lengthPrefixed(parts);
}

/** @throws RangeError when the body ends inside a part */
export function unframeAll(body: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let at = 0; at < body.length; ) {
    if (at + 4 > body.length) throw new RangeError('the body ends inside a length');
    const end = at + 4 + view.getUint32(at);
    if (end > body.length) throw new RangeError('the body ends inside a part');
    parts.push(body.subarray(at + 4, end));
    at = end;
  }
  return parts;
}
