import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const read = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

function declared(path: string): string[] {
  const manifest = JSON.parse(read(path)) as {
    dependencies: Record<string, string>;
    devDependencies?: Record<string, string>;
  };
  return Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
}

/** Packages named in the first column of the tables. */
function decided(): string[] {
  const rows = read('docs/decisions/0003-dependencies.md').split('\n');
  const columns = rows.filter((row) => row.startsWith('| `')).map((row) => row.split('|')[1] ?? '');
  return columns.flatMap((column) => [...column.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

describe('dependencies', () => {
  const names = [...new Set([...declared('package.json'), ...declared('chaincode/package.json')])].sort();

  it('each have a line that says what we would write instead', () => {
    expect(names.filter((name) => !decided().includes(name))).toEqual([]);
  });

  it('are all that the page speaks of', () => {
    expect(decided().filter((name) => !names.includes(name))).toEqual([]);
  });
});
