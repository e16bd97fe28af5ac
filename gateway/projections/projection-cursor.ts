import { MedledgerError } from '../medledger-error.js';

/**
 * A place in a read model as one opaque word: whole numbers with a mark in front that tells one list from another.
 *
 * @throws MedledgerError INPUT_INVALID for a cursor of another list, or of none
 */
export function parseCursor(cursor: string, mark: string, count: number): readonly number[] {
  const [head, ...numbers] = cursor.split('-');
  const valid = head === mark && numbers.length === count && numbers.every((text) => /^\d{1,15}$/.test(text));
  if (valid) return numbers.map(Number);
  throw new MedledgerError('INPUT_INVALID', '/cursor is not the next of a page of this list', {
    extra: { pointer: '/cursor', in: 'query' },
  });
}

export function formatCursor(mark: string, numbers: readonly number[]): string {
  return [mark, ...numbers].join('-');
}
