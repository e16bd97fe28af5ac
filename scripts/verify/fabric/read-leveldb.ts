// Copies every row of a LevelDB into a table of SQLite.
//
//   node read-leveldb.js <LevelDB folder> <SQLite file>
//
// A program of its own: LevelDB ends its process on some damaged files, which is to be a finding and not the end of the
// check. It imports no file of ours, so that it runs compiled or not.
import { DatabaseSync } from 'node:sqlite';
import { ClassicLevel } from 'classic-level';

const ROWS_PER_READ = 1000;

const [from = '', to = ''] = process.argv.slice(2);
const rows = new DatabaseSync(to);
rows.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF');
rows.exec('CREATE TABLE rows (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID');
const insert = rows.prepare('INSERT INTO rows (key, value) VALUES (?, ?)');
const encoding = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const;
const database = new ClassicLevel<Buffer, Buffer>(from, { ...encoding, createIfMissing: false });
await database.open();
rows.exec('BEGIN');
const iterator = database.iterator();
for (
  let entries = await iterator.nextv(ROWS_PER_READ);
  entries.length > 0;
  entries = await iterator.nextv(ROWS_PER_READ)
) {
  for (const [key, value] of entries) insert.run(key, value);
}
rows.exec('COMMIT');
await iterator.close();
await database.close();
rows.close();
