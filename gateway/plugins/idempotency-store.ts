import { openDurableDatabase } from '../durable-database.js';

/** One key of one member on one route. */
export interface IdempotencyId {
  /** Member id, or `anonymous`. */
  readonly scope: string;
  readonly route: string;
  readonly key: string;
}

export interface StoredAnswer {
  readonly status: number;
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

export interface IdempotencyEntry {
  readonly salt: Uint8Array;
  readonly fingerprint: string;
  /** Absent while the request runs, and for ever where the process died in the middle of it. */
  readonly answer?: StoredAnswer;
}

/** What was asked under which key, and what was answered. Durable on return, where it is given a file. */
export interface IdempotencyStore {
  find(id: IdempotencyId): IdempotencyEntry | undefined;
  begin(id: IdempotencyId, entry: { salt: Uint8Array; fingerprint: string; nowMs: number }): void;
  complete(id: IdempotencyId, answer: StoredAnswer): void;
  forgetBefore(timeMs: number): void;
  close(): void;
}

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS idempotency (
    scope TEXT NOT NULL, route TEXT NOT NULL, key TEXT NOT NULL,
    salt BLOB NOT NULL, fingerprint TEXT NOT NULL, begunAtMs INTEGER NOT NULL,
    status INTEGER, headers TEXT, body BLOB,
    PRIMARY KEY (scope, route, key)
  ) STRICT;
  CREATE INDEX IF NOT EXISTS idempotency_age ON idempotency (begunAtMs);
`;

/**
 * @param path - a file, or `:memory:`
 * @throws MedledgerError STORE_CORRUPT
 */
export function openIdempotencyStore(path: string): IdempotencyStore {
  const database = openDurableDatabase(path, SCHEMA);
  const find = database.prepare('SELECT * FROM idempotency WHERE scope = ? AND route = ? AND key = ?');
  const begin = database.prepare(
    'INSERT INTO idempotency (scope, route, key, salt, fingerprint, begunAtMs) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const complete = database.prepare(
    'UPDATE idempotency SET status = ?, headers = ?, body = ? WHERE scope = ? AND route = ? AND key = ?',
  );
  const forget = database.prepare('DELETE FROM idempotency WHERE begunAtMs < ?');
  return {
    find: ({ scope, route, key }) => parseRow(find.get(scope, route, key)),
    begin: ({ scope, route, key }, { salt, fingerprint, nowMs }) => {
      begin.run(scope, route, key, salt, fingerprint, nowMs);
    },
    complete: ({ scope, route, key }, { status, headers, body }) => {
      complete.run(status, JSON.stringify(headers), body, scope, route, key);
    },
    forgetBefore: (timeMs) => {
      forget.run(timeMs);
    },
    close: () => database.close(),
  };
}

function parseRow(row: object | undefined): IdempotencyEntry | undefined {
  if (row === undefined) return undefined;
  // The columns are STRICT and written by this file alone.
  const { salt, fingerprint, status, headers, body } = row as {
    salt: Uint8Array;
    fingerprint: string;
    status: number | null;
    headers: string | null;
    body: Uint8Array | null;
  };
  if (status === null || headers === null || body === null) return { salt, fingerprint };
  return { salt, fingerprint, answer: { status, headers: JSON.parse(headers) as { [name: string]: string }, body } };
}
