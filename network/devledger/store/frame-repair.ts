import { type FileSystem, isUnreadable, shortWrite } from './file-system.js';
import { encodeFrameHeader } from './frame.js';
import { type FrameFile, openFrameFiles } from './frame-file.js';

/**
 * Writes a file of frames anew beside the old one, with what others give for each frame that cannot be read.
 *
 * @returns number of the first frame that nobody gives; undefined when the new file is whole and durable
 */
export async function writeAnew(
  disk: FileSystem,
  file: FrameFile,
  { path, donate }: { readonly path: string; readonly donate: (sequence: number) => Promise<Uint8Array | undefined> },
): Promise<number | undefined> {
  const fresh = await disk.open(path, 'create');
  let offsetBytes = 0;
  try {
    for (let sequence = file.firstSequence; sequence < file.nextSequence; sequence += 1) {
      const payload = file.read(sequence) ?? (await donate(sequence));
      if (payload === undefined) return sequence;
      const header = encodeFrameHeader(sequence, payload);
      const frameBytes = header.length + payload.length;
      const written = await fresh.write([header, payload], offsetBytes);
      if (written !== frameBytes) throw shortWrite(path, written, frameBytes);
      offsetBytes += frameBytes;
    }
    await fresh.sync();
    return undefined;
  } finally {
    await fresh.close();
  }
}

/** Takes off the end all frames from one on, the newest first. Durable on return; nobody else has the files open. */
export async function cutFrames(disk: FileSystem, directory: string, from: number): Promise<void> {
  const files = await openFrameFiles(disk, directory, 'change');
  try {
    for (const file of files.toReversed()) {
      if (file.firstSequence < from) {
        await file.cutFrom(from);
        return;
      }
      await disk.remove(file.path);
      await disk.syncDirectory(directory);
    }
  } finally {
    for (const file of files) await file.close();
  }
}

/** Keeps a damaged file as evidence, where the disk can still give it; healing does not depend on that. */
export async function copyIfReadable(disk: FileSystem, from: string, to: string): Promise<void> {
  try {
    await disk.copy(from, to);
  } catch (error) {
    if (!isUnreadable(error)) throw error;
  }
}
