import { MedledgerError } from '../medledger-error.js';

/** Year 1 to year 9999: what the rules take, and what four digits can say. */
const EARLIEST_MS = -62_135_596_800_000;

/** Where a value stands, for the error: a JSON pointer and what it points into. */
export interface Place {
  readonly pointer: string;
  readonly in: 'body' | 'query';
}

/**
 * The schema has checked the form; here the 30th of February and the 25th hour are refused, which Date would carry over.
 *
 * @throws MedledgerError INPUT_INVALID
 */
export function parseTime(time: string, place: Place): number {
  const timeMs = Date.parse(time);
  const exists = !Number.isNaN(timeMs) && timeMs >= EARLIEST_MS && formatTime(timeMs).startsWith(time.slice(0, 19));
  if (exists) return timeMs;
  throw new MedledgerError('INPUT_INVALID', `${place.pointer} is a time that does not exist`, { extra: { ...place } });
}

export function parseOptionalTime(time: string | undefined, place: Place): number | undefined {
  return time === undefined ? undefined : parseTime(time, place);
}

/** ISO 8601 in UTC with milliseconds. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
