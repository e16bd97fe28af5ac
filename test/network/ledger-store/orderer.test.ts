import { appendFileSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { blockHeaderHash } from '../../../network/devledger/commit/block-hash.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { type BatchRules, openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import { temporaryFolder } from '../ledger-support.js';

const GENESIS = genesisBlock({
  channel: 'medledger',
  msps: [{ mspId: 'HospitalAMSP', caCertPems: ['certificate'] }],
  policy: { endorsers: [], needed: 0 },
});
const NEVER_MS = 3_600_000;
const BATCH: BatchRules = { timeoutMs: 20, maxMessageCount: 10, preferredMaxBytes: 10_000 };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function open(batch: Partial<BatchRules> = {}, genesis = GENESIS): Promise<Orderer> {
  return openOrderer({ directory: folder.path, batch: { ...BATCH, ...batch }, genesis });
}

function reached(orderer: Orderer, height: number): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (orderer.height() < height) return;
      stop();
      resolve();
    };
    const stop = orderer.onBlock(look);
    look();
  });
}

/** Envelopes of every block but block 0, as text. */
async function ordered(orderer: Orderer): Promise<string[][]> {
  const blocks: string[][] = [];
  for (let number = 1; number < orderer.height(); number += 1) {
    const block = parseBlock((await orderer.blockByNumber(number)) ?? new Uint8Array());
    blocks.push(block.envelopes.map((envelope) => Buffer.from(envelope).toString()));
  }
  return blocks;
}

async function submitAll(orderer: Orderer, envelopes: readonly string[]): Promise<void> {
  await Promise.all(envelopes.map((envelope) => orderer.submit(Buffer.from(envelope))));
}

function names(count: number, prefix = 'tx'): string[] {
  return Array.from({ length: count }, (_, index) => `${prefix}${index}`);
}

function newestFile(part: string): string {
  const directory = join(folder.path, part);
  const names = readdirSync(directory).filter((name) => name.endsWith('.frames'));
  return join(directory, names.sort().at(-1) ?? '');
}

function flipped(bytes: Buffer, place: number): Buffer {
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  return bytes;
}

describe('cutting blocks', () => {
  it('by time: one envelope alone is in a block soon', async () => {
    const orderer = await open();
    await orderer.submit(Buffer.from('tx'));
    await reached(orderer, 2);
    expect(await ordered(orderer)).toEqual([['tx']]);
    await orderer.close();
  });

  it('by count, in the order they were submitted', async () => {
    const orderer = await open({ timeoutMs: NEVER_MS });
    await submitAll(orderer, names(25));
    await reached(orderer, 3);
    expect(await ordered(orderer)).toEqual([names(25).slice(0, 10), names(25).slice(10, 20)]);
    await orderer.close();
  });

  it('by size: no block above the preferred size unless one envelope is', async () => {
    const orderer = await open({ timeoutMs: NEVER_MS, preferredMaxBytes: 100 });
    const sizes = [60, 60, 300, 60];
    await submitAll(
      orderer,
      sizes.map((size) => 'x'.repeat(size)),
    );
    await reached(orderer, 4);
    expect((await ordered(orderer)).map((block) => block.map((envelope) => envelope.length))).toEqual([
      [60],
      [60],
      [300],
    ]);
    await orderer.close();
  });

  it('blocks are chained by the hashes of their headers', async () => {
    const orderer = await open({ maxMessageCount: 1 });
    await submitAll(orderer, names(4));
    await reached(orderer, 5);
    let previous = blockHeaderHash(parseBlock(GENESIS)).toString('hex');
    for (let number = 1; number < 5; number += 1) {
      const block = parseBlock((await orderer.blockByNumber(number)) ?? new Uint8Array());
      expect(Buffer.from(block.previousHash).toString('hex')).toBe(previous);
      previous = blockHeaderHash(block).toString('hex');
    }
    await orderer.close();
  });

  it('nothing, and more than a peer takes, is refused', async () => {
    const orderer = await open();
    await expect(orderer.submit(new Uint8Array())).rejects.toThrow(/between 1 and/);
    await expect(orderer.submit(new Uint8Array(16 * 1024 * 1024 + 1))).rejects.toThrow(/between 1 and/);
    await orderer.close();
    await expect(orderer.submit(Buffer.from('tx'))).rejects.toThrow(/closed/);
  });
});

describe('what was accepted', () => {
  it('is ordered after a stop before its block was cut, once and in order', async () => {
    const first = await open({ timeoutMs: NEVER_MS });
    await submitAll(first, names(13));
    await reached(first, 2);
    await first.close();
    const second = await open({ timeoutMs: NEVER_MS });
    await submitAll(second, names(7, 'later'));
    await reached(second, 3);
    expect((await ordered(second)).flat()).toEqual([...names(13), ...names(7, 'later')]);
    await second.close();
  });

  it('a write of the log cut short takes nothing with it that was accepted', async () => {
    const first = await open({ timeoutMs: NEVER_MS });
    await submitAll(first, names(3));
    await first.close();
    appendFileSync(newestFile('pending'), readFileSync(newestFile('pending')).subarray(0, 70));
    const second = await open();
    await reached(second, 2);
    expect(await ordered(second)).toEqual([names(3)]);
    await second.close();
  });

  it.each([
    { what: 'whose payload was changed', spoil: (bytes: Buffer) => flipped(bytes, bytes.length - 1) },
    { what: 'whose header was changed', spoil: (bytes: Buffer) => flipped(bytes, 2) },
    { what: 'that was cut short', spoil: (bytes: Buffer) => bytes.subarray(0, bytes.length - 5) },
    { what: 'that was emptied', spoil: () => Buffer.alloc(0) },
    { what: 'that was filled with zeros', spoil: (bytes: Buffer) => Buffer.alloc(bytes.length) },
  ])('a log $what is not passed over in silence, and once it is moved away the ledger starts', async ({ spoil }) => {
    const first = await open({ timeoutMs: NEVER_MS });
    await submitAll(first, names(3));
    await first.close();
    const spoilt = spoil(readFileSync(newestFile('pending')));
    writeFileSync(newestFile('pending'), spoilt);
    await expect(open()).rejects.toThrow(/damaged .*move the folder .*let clients ask/);
    expect(readFileSync(newestFile('pending'))).toEqual(spoilt);
    rmSync(join(folder.path, 'pending'), { recursive: true });
    await (await open()).close();
  });

  it('a log that nobody says was accepted is cut where the power went', async () => {
    const first = await open({ timeoutMs: NEVER_MS });
    await submitAll(first, names(3));
    await first.close();
    const file = newestFile('pending');
    writeFileSync(file, Buffer.alloc(statSync(file).size));
    rmSync(join(folder.path, 'pending', 'accepted'));
    const second = await open();
    expect(second.height()).toBe(1);
    await second.close();
  });

  it('a block cut short is cut again from the log', async () => {
    const first = await open({ timeoutMs: NEVER_MS });
    await submitAll(first, names(10));
    await reached(first, 2);
    await first.close();
    truncateSync(newestFile('blocks'), statSync(newestFile('blocks')).size - 5);
    // The crash came before the height was noted: that is what tells a torn write from a block somebody cut.
    rmSync(join(folder.path, 'heights'), { recursive: true });
    const second = await open();
    await reached(second, 2);
    expect(await ordered(second)).toEqual([names(10)]);
    await second.close();
  });
});

describe('the log of accepted envelopes', () => {
  it('is let go of once its envelopes are in blocks', async () => {
    const orderer = await open({ maxMessageCount: 1, preferredMaxBytes: 1 });
    for (let round = 0; round < 3; round += 1) {
      const height = orderer.height();
      await submitAll(orderer, ['x'.repeat(2_000_000)]);
      await reached(orderer, height + 1);
    }
    await orderer.submit(Buffer.from('last'));
    await reached(orderer, 5);
    await orderer.close();
    const logBytes = readdirSync(join(folder.path, 'pending')).map(
      (name) => statSync(join(folder.path, 'pending', name)).size,
    );
    expect(logBytes.reduce((total, bytes) => total + bytes, 0)).toBeLessThan(4_100_000);
    const again = await open();
    expect(again.height()).toBe(5);
    await again.submit(Buffer.from('after'));
    await reached(again, 6);
    expect((await ordered(again)).at(-1)).toEqual(['after']);
    await again.close();
  });
});

describe('what is refused at the start, with a sentence', () => {
  it('a folder in use, and the blocks of another network', async () => {
    const orderer = await open();
    await expect(open()).rejects.toThrow(/in use/);
    await orderer.close();
    const other = genesisBlock({
      channel: 'medledger',
      msps: [{ mspId: 'HospitalAMSP', caCertPems: ['other'] }],
      policy: { endorsers: [], needed: 0 },
    });
    await expect(open({}, other)).rejects.toThrow(/another network/);
  });

  it('an acknowledged block that was cut off or changed', async () => {
    const orderer = await open();
    await orderer.submit(Buffer.from('tx'));
    await reached(orderer, 2);
    await orderer.close();
    const whole = readFileSync(newestFile('blocks'));
    truncateSync(newestFile('blocks'), whole.length - 5);
    await expect(open()).rejects.toThrow(/BLOCK_CORRUPT: orderer.*block 1/);
    whole.writeUInt8(whole.readUInt8(whole.length - 5) ^ 1, whole.length - 5);
    writeFileSync(newestFile('blocks'), whole);
    await expect(open()).rejects.toThrow(/BLOCK_CORRUPT: orderer.*block 1/);
  });
});
