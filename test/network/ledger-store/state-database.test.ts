import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { type DatabaseSnapshot, StateDatabase } from '../../../network/devledger/store/state-database.js';
import { temporaryFolder } from '../ledger-support.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let runs = 0;

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(async () => {
  await folder.remove();
});

/** What a database has to be: every batch a whole new map. */
type Model = ReadonlyMap<string, string>;

/** Steps of a story; `hold` keeps a snapshot to be looked at again at the end. */
type Step =
  | { readonly kind: 'write'; readonly rows: readonly (readonly [key: string, value: string | undefined])[] }
  | { readonly kind: 'flush' | 'reopen' | 'hold' }
  /** Cut off after so many looks at whether to go on. */
  | { readonly kind: 'erase'; readonly looks: number };

// Zero bytes, bytes above 127 and keys that begin with each other, as composite keys of the ledger do.
const KEYS = ['a', 'a\u0000', 'a\u0000b', 'ab', 'b', 'b\u00ff', '\u0080', '\u00ff\u00ff', 'zzz', 'm'];
const key = fc.oneof(
  fc.constantFrom(...KEYS),
  fc.integer({ min: 0, max: 400 }).map((n) => `k${n}`),
);
const value = fc.option(
  fc.integer({ min: 0, max: 300 }).map((n) => 'v'.repeat(n)),
  { nil: undefined, freq: 4 },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('write' as const), rows: fc.array(fc.tuple(key, value)) }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'flush' as const }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
  { weight: 2, arbitrary: fc.constant({ kind: 'hold' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('erase' as const), looks: fc.nat({ max: 40 }) }) },
);

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function sorted(model: Model): [string, string][] {
  return [...model].sort(([left], [right]) => (left < right ? -1 : 1));
}

async function rowsOf(
  database: StateDatabase,
  range: { gte: string; lt?: string; lte?: string },
  options: { snapshot?: DatabaseSnapshot; reverse?: boolean } = {},
): Promise<[string, string][]> {
  const rows: [string, string][] = [];
  const { gte, lt, lte } = range;
  const bounds = {
    gte: bytes(gte),
    ...(lt === undefined ? {} : { lt: bytes(lt) }),
    ...(lte === undefined ? {} : { lte: bytes(lte) }),
  };
  for await (const row of database.rows(bounds, options)) {
    rows.push([row.key.toString('latin1'), row.payload.toString('latin1')]);
  }
  return rows;
}

async function expectSame(database: StateDatabase, model: Model, snapshot?: DatabaseSnapshot): Promise<void> {
  const at = snapshot === undefined ? {} : { snapshot };
  expect(await rowsOf(database, { gte: '' }, at)).toEqual(sorted(model));
  expect(await rowsOf(database, { gte: '' }, { ...at, reverse: true })).toEqual(sorted(model).reverse());
  for (const name of [...KEYS, 'k7', 'k77', 'k399']) {
    expect(database.get(bytes(name), snapshot)?.toString('latin1')).toBe(model.get(name));
  }
  const within = sorted(model).filter(([name]) => name >= 'a\u0000' && name <= 'k2');
  expect(await rowsOf(database, { gte: 'a\u0000', lte: 'k2' }, at)).toEqual(within);
  const below = within.filter(([name]) => name < 'k2').reverse();
  expect(await rowsOf(database, { gte: 'a\u0000', lt: 'k2' }, { ...at, reverse: true })).toEqual(below);
}

function written(model: Model, rows: readonly (readonly [string, string | undefined])[]): Model {
  const next = new Map(model);
  for (const [name, text] of rows) {
    if (text === undefined) next.delete(name);
    else next.set(name, text);
  }
  return next;
}

/** Small memory, so that tables are written and merged all the time. */
function open(directory: string): Promise<StateDatabase> {
  return StateDatabase.open(directory, 'HospitalAMSP', { memtableMaxBytes: 3000 });
}

/** A database and what it has to be, on their way through a story. */
class Played {
  readonly #directory: string;
  database: StateDatabase;
  model: Model = new Map();
  #held: { snapshot: DatabaseSnapshot; model: Model }[] = [];

  constructor(directory: string, database: StateDatabase) {
    this.#directory = directory;
    this.database = database;
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'write') await this.#write(step.rows);
    else if (step.kind === 'flush') await this.database.flush();
    else if (step.kind === 'hold') this.#held.push({ snapshot: this.database.snapshot(), model: this.model });
    else if (step.kind === 'erase') await this.#erase(step.looks);
    else await this.reopen();
  }

  /** Erasing changes nothing that can be read, wherever it is cut off. */
  async #erase(looks: number): Promise<void> {
    let left = looks;
    await this.database.erase([{ gte: bytes(''), lt: bytes('k') }, { gte: bytes('m') }], () => {
      left -= 1;
      return left < 0;
    });
  }

  async reopen(): Promise<void> {
    this.#letGo();
    await this.database.close();
    this.database = await open(this.#directory);
  }

  async end(): Promise<void> {
    await expectSame(this.database, this.model);
    for (const { snapshot, model } of this.#held) await expectSame(this.database, model, snapshot);
    await this.reopen();
    await expectSame(this.database, this.model);
    expect(await this.database.damagedParts()).toEqual([]);
    await this.database.close();
  }

  async #write(rows: readonly (readonly [string, string | undefined])[]): Promise<void> {
    const given = rows.map(([name, text]) => ({ key: bytes(name), payload: text === undefined ? text : bytes(text) }));
    await this.database.write(given);
    this.model = written(this.model, rows);
  }

  #letGo(): void {
    for (const { snapshot } of this.#held) snapshot.close();
    this.#held = [];
  }
}

describe('StateDatabase', () => {
  it('is a sorted map of which every snapshot stays what it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 40 }), async (steps) => {
        runs += 1;
        const directory = `${folder.path}/run${runs}`;
        const played = new Played(directory, await open(directory));
        for (const each of steps) await played.take(each);
        await played.end();
      }),
      { numRuns: 60 },
    );
  });

  it('holds no byte of what was deleted or replaced, once it was erased and nobody reads the old files', async () => {
    const directory = `${folder.path}/erased`;
    const database = await open(directory);
    const put = (name: string, text: string | undefined) =>
      database.write([{ key: bytes(name), payload: text === undefined ? undefined : bytes(text) }]);
    await put('gone', 'deleted value');
    await put('kept', 'replaced value');
    await database.flush();
    await put('gone', undefined);
    await put('kept', 'live value');
    await database.flush();
    const snapshot = database.snapshot();
    expect(await database.erase([{ gte: bytes('') }], () => false)).toBe(true);
    expect(database.get(bytes('gone'), snapshot)).toBeUndefined();
    snapshot.close();
    await database.filesRemoved();
    const files = readdirSync(directory).map((name) => readFileSync(join(directory, name), 'latin1'));
    expect(
      ['deleted value', 'replaced value', 'gone', 'live value'].map((text) =>
        files.some((file) => file.includes(text)),
      ),
    ).toEqual([false, false, false, true]);
    await database.close();
  });
});
