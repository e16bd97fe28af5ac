import { appendFileSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FrameFiles, type FrameFilesOptions } from '../../../network/devledger/store/frame-files.js';
import { BlockCorruptError } from '../../../network/devledger/store/ledger-errors.js';
import { temporaryFolder } from '../ledger-support.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;

beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  await folder.remove();
});

function open(options: Partial<FrameFilesOptions> = {}): Promise<FrameFiles> {
  return FrameFiles.open({
    directory: join(folder.path, 'blocks'),
    owner: 'HospitalAMSP',
    fileSizeMaxBytes: 1024,
    acknowledgedSequence: 0,
    cutUnsoundTail: true,
    ...options,
  });
}

async function write(payloads: readonly string[], options: Partial<FrameFilesOptions> = {}): Promise<void> {
  const files = await open(options);
  for (const payload of payloads) await files.append(Buffer.from(payload));
  await files.close();
}

async function readAll(files: FrameFiles): Promise<string[]> {
  const payloads: string[] = [];
  for (let sequence = files.firstSequence; sequence < files.nextSequence; sequence += 1) {
    payloads.push(Buffer.from((await files.read(sequence)) ?? []).toString());
  }
  return payloads;
}

function onlyFile(): string {
  const [name] = readdirSync(join(folder.path, 'blocks'));
  return join(folder.path, 'blocks', name ?? '');
}

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(offset) ^ 0x04, offset);
  writeFileSync(path, bytes);
}

const SHORT = ['zero', 'one', 'two'];
const FRAME_BYTES = 52;
const SECOND_FRAME = FRAME_BYTES + 'zero'.length;

describe('FrameFiles', () => {
  it('gives back what was appended, also after opening again, and nothing beyond', async () => {
    await write(SHORT);
    const files = await open();
    expect(await readAll(files)).toEqual(SHORT);
    expect(await files.read(3)).toBeUndefined();
    await files.append(Buffer.from('three'));
    expect(await readAll(files)).toEqual([...SHORT, 'three']);
    await files.close();
  });

  it('goes on in a new file when one is full, and reads across files', async () => {
    const payloads = Array.from({ length: 12 }, (_, index) => `${index}`.repeat(300));
    await write(payloads);
    expect(readdirSync(join(folder.path, 'blocks')).length).toBeGreaterThan(2);
    const files = await open();
    expect(await readAll(files)).toEqual(payloads);
    await files.dropBefore(7);
    expect(files.firstSequence).toBeLessThanOrEqual(7);
    expect(files.firstSequence).toBeGreaterThan(0);
    expect(Buffer.from((await files.read(7)) ?? []).toString()).toBe(payloads[7]);
    await files.close();
    const again = await open();
    expect(again.nextSequence).toBe(12);
    await again.close();
  });
});

describe('FrameFiles after a crash', () => {
  it('cuts a write that stopped at any byte, and goes on behind the last whole frame', async () => {
    await write(SHORT);
    const whole = readFileSync(onlyFile());
    for (let kept = SECOND_FRAME + FRAME_BYTES + 'one'.length; kept < whole.length; kept += 7) {
      writeFileSync(onlyFile(), whole.subarray(0, kept));
      const files = await open();
      expect(await readAll(files)).toEqual(['zero', 'one']);
      await files.append(Buffer.from('again'));
      expect(await readAll(files)).toEqual(['zero', 'one', 'again']);
      await files.close();
    }
  });

  it('cuts bytes that never became a frame', async () => {
    await write(SHORT);
    appendFileSync(onlyFile(), Buffer.alloc(500));
    const files = await open();
    expect(await readAll(files)).toEqual(SHORT);
    await files.close();
  });

  it('refuses to open when an acknowledged frame was cut off', async () => {
    await write(SHORT);
    truncateSync(onlyFile(), statSync(onlyFile()).size - 1);
    const sizeBytes = statSync(onlyFile()).size;
    await expect(open({ acknowledgedSequence: 3 })).rejects.toThrow(/HospitalAMSP.*block 2/);
    expect(statSync(onlyFile()).size).toBe(sizeBytes);
  });

  it('a frame at the end with a wrong digest is cut when nobody was told of it, kept and refused otherwise', async () => {
    await write(SHORT);
    flip(onlyFile(), statSync(onlyFile()).size - 1);
    const acknowledged = await open({ acknowledgedSequence: 3 });
    await expect(acknowledged.read(2)).rejects.toThrow(BlockCorruptError);
    await acknowledged.close();
    const unknown = await open({ acknowledgedSequence: 2 });
    expect(await readAll(unknown)).toEqual(['zero', 'one']);
    await unknown.close();
  });
});

describe('FrameFiles after tampering', () => {
  it('every flipped byte in the middle is noticed, named, and costs that frame only', async () => {
    await write(SHORT);
    const whole = readFileSync(onlyFile());
    for (let offset = SECOND_FRAME; offset < SECOND_FRAME + FRAME_BYTES + 'one'.length; offset += 1) {
      writeFileSync(onlyFile(), whole);
      flip(onlyFile(), offset);
      const files = await open({ acknowledgedSequence: 3 });
      const failure = await files.read(1).catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(BlockCorruptError);
      expect(failure).toMatchObject({ peer: 'HospitalAMSP', blockNumber: 1, offsetBytes: SECOND_FRAME });
      expect(Buffer.from((await files.read(0)) ?? []).toString()).toBe('zero');
      expect(Buffer.from((await files.read(2)) ?? []).toString()).toBe('two');
      await files.close();
    }
  });

  it('a file that is missing between others is damage, not absence', async () => {
    const payloads = Array.from({ length: 12 }, (_, index) => `${index}`.repeat(300));
    await write(payloads);
    const names = readdirSync(join(folder.path, 'blocks')).sort();
    writeFileSync(join(folder.path, 'blocks', names[1] ?? ''), '');
    const files = await open();
    expect(files.nextSequence).toBe(12);
    await expect(files.read(Number((names[1] ?? '').slice(0, 12)))).rejects.toThrow(BlockCorruptError);
    await files.close();
  });
});
