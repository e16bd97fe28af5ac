import { createHash } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import { decodeHeight, encodeHeight } from '../../../network/fabric/store/order-preserving.js';
import { parseStateRowKey, parseStateValue, stateRowKey } from '../../../network/fabric/store/state-row.js';
import { decodeStoredBlock } from '../../../network/fabric/store/stored-block.js';
import { readVarint, varint } from '../../../network/fabric/store/varint.js';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'block-files-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const withLength = (bytes: Uint8Array) => Buffer.concat([varint(bytes.length), bytes]);

/** As Fabric writes it, see common/ledger/blkstorage/block_serialization.go. */
function storedBlock(number: number): Buffer {
  const hashOf = (text: string) => createHash('sha256').update(text).digest();
  const envelopes = [Buffer.from(`first of ${number}`), Buffer.alloc(300, number)];
  return withLength(
    Buffer.concat([
      varint(number),
      withLength(hashOf(`data ${number}`)),
      withLength(number === 0 ? Buffer.alloc(0) : hashOf(`header ${number - 1}`)),
      varint(envelopes.length),
      ...envelopes.map(withLength),
      varint(2),
      ...[Buffer.from('signatures'), Buffer.from('last')].map(withLength),
    ]),
  );
}

function writeBlocks(name: string, numbers: readonly number[]): Buffer[] {
  const blocks = numbers.map(storedBlock);
  writeFileSync(join(directory, name), Buffer.concat(blocks));
  return blocks;
}

const inspect = () => FabricBlockFiles.inspect({ directory, owner: 'HospitalAMSP' });

async function readable(files: FabricBlockFiles): Promise<(number | string)[]> {
  const found: (number | string)[] = [];
  for (let number = files.firstSequence; number < files.nextSequence; number += 1)
    found.push(
      await files.read(number).then(
        (block) => block?.number ?? 'none',
        (error: unknown) => String(error).replace(/ \/.*\//, ' '),
      ),
    );
  return found;
}

describe('block files of Fabric', () => {
  it('go on from file to file', async () => {
    writeBlocks('blockfile_000000', [0, 1, 2]);
    writeBlocks('blockfile_000001', [3, 4]);
    const files = inspect();
    expect(await readable(files)).toEqual([0, 1, 2, 3, 4]);
    expect(files.place(3)).toMatchObject({ file: join(directory, 'blockfile_000001'), offsetBytes: 0 });
    expect(await files.read(5)).toBeUndefined();
  });

  it('begin with the block behind the snapshot that a peer was filled from', async () => {
    writeBlocks('blockfile_000000', [700, 701]);
    expect(inspect()).toMatchObject({ firstSequence: 700, nextSequence: 702 });
  });

  it.each([1, 40, 300])('a write that has not ended, %d bytes of it, is no block and no damage', async (bytes) => {
    writeBlocks('blockfile_000000', [0, 1]);
    appendFileSync(join(directory, 'blockfile_000000'), storedBlock(2).subarray(0, bytes));
    expect(await readable(inspect())).toEqual([0, 1]);
  });

  it.each([
    { what: 'its length', at: 0 },
    { what: 'its number', at: 2 },
    { what: 'the length of its data hash', at: 3 },
  ])('one block with $what changed is named; those behind it are read', async ({ at }) => {
    const blocks = writeBlocks('blockfile_000000', [0, 1, 2, 3]);
    const file = join(directory, 'blockfile_000000');
    const begin = blocks.slice(0, 2).reduce((sum, { length }) => sum + length, 0);
    const bytes = readFileSync(file);
    bytes.writeUInt8(bytes.readUInt8(begin + at) ^ 1, begin + at);
    writeFileSync(file, bytes);
    expect(await readable(inspect())).toEqual([
      0,
      1,
      expect.stringContaining(`BLOCK_CORRUPT: HospitalAMSP, blockfile_000000 at byte ${begin}, block 2`),
      3,
    ]);
  });

  it('a block is the bytes of exactly one', () => {
    const stored = storedBlock(9);
    const content = stored.subarray(readVarint(stored, 0)?.nextAt);
    expect(decodeStoredBlock(content)).toMatchObject({ number: 9, envelopes: { length: 2 }, metadata: { length: 2 } });
    expect(decodeStoredBlock(content.subarray(0, -1))).toBeUndefined();
    expect(decodeStoredBlock(Buffer.concat([content, Buffer.of(0)]))).toBeUndefined();
  });
});

describe('rows of a peer’s state', () => {
  it('a version survives being written and read', () => {
    const numbers = fc.integer({ min: 0, max: 2 ** 47 });
    fc.assert(
      fc.property(numbers, numbers, (blockNumber, txNumber) => {
        expect(decodeHeight(encodeHeight({ blockNumber, txNumber }))).toEqual({ blockNumber, txNumber });
      }),
    );
    expect(decodeHeight(Buffer.of(1, 5, 9))).toBeUndefined();
  });

  it('a key names namespace and key; other channels and bookkeeping are left out', () => {
    const row = stateRowKey('medledger', '_lifecycle$$h_implicit_org_A', Buffer.of(0, 255));
    expect(parseStateRowKey('medledger', row)).toEqual({
      kind: 'data',
      namespace: '_lifecycle$$h_implicit_org_A',
      key: Buffer.of(0, 255),
    });
    expect(parseStateRowKey('medledger', Buffer.from('medledger\0s'))).toEqual({ kind: 'savepoint' });
    expect(parseStateRowKey('medledger', Buffer.from('other\0dmedledger\0key'))).toBeUndefined();
    expect(parseStateRowKey('medledger', Buffer.from('_\0f'))).toBeUndefined();
  });

  it('bytes that are no value with a version are told from an empty value', () => {
    const version = withLength(encodeHeight({ blockNumber: 3, txNumber: 1 }));
    const encoded = Buffer.concat([Buffer.of(0x0a), version, Buffer.of(0x12), withLength(Buffer.from('text'))]);
    expect(parseStateValue(encoded)).toEqual({ version: { blockNumber: 3, txNumber: 1 }, value: Buffer.from('text') });
    expect(parseStateValue(encoded.subarray(0, -1))).toBeUndefined();
    expect(parseStateValue(Buffer.from('text'))).toBeUndefined();
    expect(parseStateValue(Buffer.concat([Buffer.of(0x0a), version]))?.value).toHaveLength(0);
  });
});
