const SURROGATE = /[\ud800-\udfff]/;

/**
 * Compares two keys by their UTF-8 bytes, as Fabric sorts Go strings and as the state store orders its keys.
 *
 * JavaScript compares UTF-16 units. The two orders differ only where surrogate pairs occur: U+10FFFF, the end marker
 * of composite key ranges, sorts above every other character in UTF-8 but below U+E000 in UTF-16.
 *
 * @returns negative, zero or positive, as Array.prototype.sort expects
 */
export function compareUtf8(left: string, right: string): number {
  if (left === right) return 0;
  if (!SURROGATE.test(left) && !SURROGATE.test(right)) return left < right ? -1 : 1;
  return Buffer.compare(Buffer.from(left, 'utf8'), Buffer.from(right, 'utf8'));
}
