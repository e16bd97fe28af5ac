import type { SmallFileDisk } from '../../../network/identities/durable-file.js';

/** What a disk whose power is cut does with one small file at a time. */
export interface SmallFileRecord {
  makeFolder(folder: string): void;
  create(path: string): void;
  write(path: string, bytes: Buffer, offsetBytes: number): void;
  syncFile(path: string): void;
  syncFolder(folder: string): void;
  rename(from: string, to: string): void;
  remove(path: string): void;
}

interface OpenedFile {
  readonly path: string;
  readonly isFolder: boolean;
  sizeBytes: number;
}

/** The same disk for those who must not wait. */
export function smallFileDisk(record: SmallFileRecord): SmallFileDisk {
  const opened = new Map<number, OpenedFile>();
  let next = 3;
  const file = (descriptor: number): OpenedFile => {
    const found = opened.get(descriptor);
    if (found === undefined) throw new Error(`${descriptor} is not open`);
    return found;
  };
  return {
    makeFolder: (folder) => record.makeFolder(folder),
    open: (path, flags) => {
      if (flags === 'wx') record.create(path);
      next += 1;
      opened.set(next, { path, isFolder: flags === 'r', sizeBytes: 0 });
      return next;
    },
    write: (descriptor, bytes, fromByte) => {
      const written = Buffer.from(bytes.subarray(fromByte));
      record.write(file(descriptor).path, written, file(descriptor).sizeBytes);
      file(descriptor).sizeBytes += written.length;
      return written.length;
    },
    sync: (descriptor) => {
      const { isFolder, path } = file(descriptor);
      if (isFolder) record.syncFolder(path);
      else record.syncFile(path);
    },
    close: (descriptor) => opened.delete(descriptor),
    rename: (from, to) => record.rename(from, to),
    remove: (path) => record.remove(path),
  };
}
