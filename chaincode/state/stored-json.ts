import { canonicalJson, DomainError } from '../domain/index.js';
import type { Write, WorldState } from './world-state.js';

/** A write of one object as canonical JSON. */
export function jsonWrite(key: string, value: object): Write {
  return { key, text: canonicalJson(value) };
}

/**
 * Reads back what `jsonWrite` wrote under this key. Its shape was checked when it was written.
 *
 * @returns undefined where nothing is stored
 * @throws DomainError STATE_CORRUPT
 */
export async function readJson<T extends object>(state: WorldState, key: string): Promise<T | undefined> {
  const text = await state.read(key);
  return text === undefined ? undefined : parseStored<T>(key, text);
}

/** @throws DomainError STATE_CORRUPT when the text is no JSON object: this peer holds changed bytes */
export function parseStored<T extends object>(key: string, text: string): T {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null) return value as T;
  } catch (cause) {
    throw new DomainError('STATE_CORRUPT', `${key} holds no JSON`, { cause });
  }
  throw new DomainError('STATE_CORRUPT', `${key} holds no object`);
}
