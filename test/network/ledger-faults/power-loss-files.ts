import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join, relative, sep } from 'node:path';
import { DISK, type FileSystem, type StoredFile } from '../../../network/devledger/store/file-system.js';
import { type SmallFileRecord, smallFileDisk } from './power-loss-small-files.js';
import { FileImage, type Folder, linksAfterCut, newFolder } from './power-loss-images.js';

type Node = FileImage | Folder;

/** A change of names that no sync of a folder has confirmed; renames happen as a whole or not at all. */
interface NameChange {
  readonly folders: readonly Folder[];
  readonly apply: (namesOf: (folder: Folder) => Map<string, Node>) => void;
}

/**
 * The real disk as long as there is power, and beside it a record of what a disk holds for certain: of each file what
 * was synced, of each folder the names that were there when it was synced. When the power is cut, everything else is
 * there or not, each sector and each name by itself.
 *
 * Stricter than most file systems in that a synced file has no name before its folder was synced too.
 */
export class PowerLossFiles implements FileSystem {
  /** Operations so far that change something. */
  changes = 0;
  readonly #root: string;
  readonly #top: Folder;
  readonly #cutAt: number;
  #names: NameChange[] = [];
  #isGone = false;

  /**
   * @param root - what is there now has been there for long
   * @param cutAt - number of the change that is not made any more; counts from 1
   */
  constructor(root: string, cutAt: number) {
    this.#root = root;
    this.#cutAt = cutAt;
    mkdirSync(root, { recursive: true });
    this.#top = durableFolder(root);
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  cut(): void {
    this.#isGone = true;
  }

  /** Writes what a disk may hold after the cut into a folder. */
  writeAfterCut(directory: string, random: () => number): void {
    const kept = new Map<Folder, Map<string, Node>>();
    const namesOf = (folder: Folder) => {
      const known = kept.get(folder) ?? new Map<string, Node>(folder.durable);
      kept.set(folder, known);
      return known;
    };
    for (const { apply } of linksAfterCut(this.#names, random)) apply(namesOf);
    writeFolder(directory, this.#top, { namesOf, random });
  }

  async open(path: string, how: 'read' | 'change' | 'create'): Promise<StoredFile> {
    if (how !== 'create') {
      this.#requirePower();
      return new RecordedFile(await DISK.open(path, how), this, this.#file(path));
    }
    this.#change();
    const opened = await DISK.open(path, how);
    return new RecordedFile(opened, this, this.#created(path));
  }

  /** For those who must not wait. */
  readonly small = smallFileDisk({
    makeFolder: (folder) => {
      this.#change();
      mkdirSync(folder, { recursive: true });
      this.#linkFolder(folder);
    },
    create: (path) => {
      this.#change();
      closeSync(openSync(path, 'wx'));
      this.#created(path);
    },
    write: (path, bytes, offsetBytes) => {
      this.#change();
      this.#file(path).change({ kind: 'write', offsetBytes, bytes });
      const descriptor = openSync(path, 'r+');
      writeSync(descriptor, bytes, 0, bytes.length, offsetBytes);
      closeSync(descriptor);
    },
    syncFile: (path) => {
      this.#change();
      this.#file(path).confirm(this.#file(path).pendingCount);
    },
    syncFolder: (folder) => this.#confirmNames(folder),
    rename: (from, to) => {
      this.#change();
      renameSync(from, to);
      this.#moved(from, to);
    },
    // Only what could not be put in its place; without power nothing happens.
    remove: () => undefined,
  } satisfies SmallFileRecord);

  list(directory: string): readonly string[] {
    this.#requirePower();
    return DISK.list(directory);
  }

  async makeDirectory(directory: string): Promise<void> {
    this.#change();
    await DISK.makeDirectory(directory);
    this.#linkFolder(directory);
  }

  async copy(from: string, to: string): Promise<void> {
    this.#change();
    await DISK.copy(from, to);
    const image = new FileImage();
    image.change({ kind: 'write', offsetBytes: 0, bytes: readFileSync(to) });
    this.#link(this.#folder(dirname(to)), basename(to), image);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#change();
    await DISK.rename(from, to);
    this.#moved(from, to);
  }

  #moved(from: string, to: string): void {
    const [source, target] = [this.#folder(dirname(from)), this.#folder(dirname(to))];
    const node = source.live.get(basename(from));
    if (node === undefined) throw new Error(`${from} is not recorded`);
    this.#changeNames([source, target], (namesOf) => {
      if (namesOf(source).get(basename(from)) === node) namesOf(source).delete(basename(from));
      namesOf(target).set(basename(to), node);
    });
  }

  async remove(path: string): Promise<void> {
    this.#change();
    await DISK.remove(path);
    const folder = this.#folder(dirname(path));
    this.#changeNames([folder], (namesOf) => namesOf(folder).delete(basename(path)));
  }

  async syncDirectory(directory: string): Promise<void> {
    this.#confirmNames(directory);
  }

  #confirmNames(directory: string): void {
    this.#change();
    const folder = this.#folder(directory);
    const isConfirmed = ({ folders }: NameChange) => folders.includes(folder);
    for (const { apply } of this.#names.filter(isConfirmed)) apply(({ durable }) => durable);
    this.#names = this.#names.filter((name) => !isConfirmed(name));
  }

  async write(file: StoredFile, image: FileImage, part: { bytes: Buffer; offsetBytes: number }): Promise<number> {
    this.#change();
    image.change({ kind: 'write', ...part });
    return file.write([part.bytes], part.offsetBytes);
  }

  async truncate(file: StoredFile, image: FileImage, sizeBytes: number): Promise<void> {
    this.#change();
    image.change({ kind: 'truncate', sizeBytes });
    await file.truncate(sizeBytes);
  }

  async sync(image: FileImage): Promise<void> {
    this.#change();
    const confirmed = image.pendingCount;
    // As with a real disk the power may go while the sync is under way.
    await new Promise((resolve) => setImmediate(resolve));
    this.#requirePower();
    image.confirm(confirmed);
  }

  #created(path: string): FileImage {
    const folder = this.#folder(dirname(path));
    const known = folder.live.get(basename(path));
    if (known instanceof FileImage) {
      known.change({ kind: 'truncate', sizeBytes: 0 });
      return known;
    }
    const image = new FileImage();
    this.#link(folder, basename(path), image);
    return image;
  }

  #linkFolder(directory: string): void {
    const folder = this.#folder(dirname(directory));
    if (!folder.live.has(basename(directory))) this.#link(folder, basename(directory), newFolder());
  }

  #link(folder: Folder, name: string, node: Node): void {
    this.#changeNames([folder], (namesOf) => namesOf(folder).set(name, node));
  }

  #changeNames(folders: readonly Folder[], apply: NameChange['apply']): void {
    apply(({ live }) => live);
    this.#names.push({ folders, apply });
  }

  #file(path: string): FileImage {
    const found = this.#folder(dirname(path)).live.get(basename(path));
    if (found instanceof FileImage) return found;
    throw new Error(`${path} is not recorded`);
  }

  #folder(path: string): Folder {
    let folder = this.#top;
    for (const name of this.#steps(path)) {
      const next = folder.live.get(name);
      if (next === undefined || next instanceof FileImage) throw new Error(`${path} is not recorded`);
      folder = next;
    }
    return folder;
  }

  #steps(path: string): string[] {
    return relative(this.#root, path)
      .split(sep)
      .filter((name) => name !== '');
  }

  #change(): void {
    this.changes += 1;
    if (this.changes >= this.#cutAt) this.cut();
    this.#requirePower();
  }

  #requirePower(): void {
    if (this.#isGone) throw new Error('there is no power');
  }
}

class RecordedFile implements StoredFile {
  readonly #file: StoredFile;
  readonly #disk: PowerLossFiles;
  readonly #image: FileImage;

  constructor(file: StoredFile, disk: PowerLossFiles, image: FileImage) {
    this.#file = file;
    this.#disk = disk;
    this.#image = image;
  }

  sizeBytes(): Promise<number> {
    return this.#file.sizeBytes();
  }

  read(target: Uint8Array, offsetBytes: number): number {
    return this.#file.read(target, offsetBytes);
  }

  write(parts: readonly Uint8Array[], offsetBytes: number): Promise<number> {
    return this.#disk.write(this.#file, this.#image, { bytes: Buffer.concat(parts), offsetBytes });
  }

  sync(): Promise<void> {
    return this.#disk.sync(this.#image);
  }

  truncate(sizeBytes: number): Promise<void> {
    return this.#disk.truncate(this.#file, this.#image, sizeBytes);
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

function durableFolder(directory: string): Folder {
  const folder = newFolder();
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    const node = entry.isDirectory() ? durableFolder(path) : new FileImage(readFileSync(path));
    folder.live.set(entry.name, node);
    folder.durable.set(entry.name, node);
  }
  return folder;
}

function writeFolder(
  directory: string,
  folder: Folder,
  after: { readonly namesOf: (folder: Folder) => Map<string, Node>; readonly random: () => number },
): void {
  mkdirSync(directory, { recursive: true });
  for (const [name, node] of after.namesOf(folder)) {
    const path = join(directory, name);
    if (node instanceof FileImage) writeFileSync(path, node.afterCut(after.random));
    else writeFolder(path, node, after);
  }
}
