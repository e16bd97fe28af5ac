import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Defect } from './defects.js';

/** A copy of the sources in which anything may be broken; the project itself is never touched. */
export interface TreeCopy {
  readonly dir: string;
  /** Puts a defect in; what it answers takes it out again. */
  plant(defect: Defect): Promise<() => Promise<void>>;
  remove(): Promise<void>;
}

const COPIED = ['package.json', 'tsconfig.json', 'chaincode', 'gateway', 'network', 'scripts', 'test'];

/** @throws when the system has no room for it */
export async function copyTree(projectDir: string): Promise<TreeCopy> {
  const dir = await mkdtemp(join(tmpdir(), 'medledger-mutants-'));
  for (const name of COPIED)
    await cp(join(projectDir, name), join(dir, name), {
      recursive: true,
      filter: (source) => !source.includes('/node_modules') && !source.endsWith('/dist'),
    });
  await symlink(join(projectDir, 'node_modules'), join(dir, 'node_modules'));
  return {
    dir,
    plant: (defect) => plant(dir, defect),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}

async function plant(dir: string, { name, changes }: Defect): Promise<() => Promise<void>> {
  const originals = new Map<string, string>();
  for (const { file, from, to } of changes) {
    const path = join(dir, file);
    const text = await readFile(path, 'utf8');
    const times = text.split(from).length - 1;
    if (times !== 1) throw new Error(`${name}: ${file} holds ${JSON.stringify(from)} ${times} times, not once`);
    if (!originals.has(path)) originals.set(path, text);
    await writeFile(
      path,
      text.replace(from, () => to),
    );
  }
  return async () => {
    for (const [path, text] of originals) await writeFile(path, text);
  };
}
