import { globSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Module, parseSync } from '@swc/core';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Target of an import whose name is not written in the source. */
export const COMPUTED_AT_RUN_TIME = 'computed at run time';
const BUILT_OR_FOREIGN = /(^|\/)(node_modules|dist)\//;

/** A file of the project: path from the root with forward slashes, and its text. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** An import of any kind: static, re-export, dynamic, require, or a type. */
export interface Import {
  readonly from: string;
  /** Path from the root without its extension for files of the project, else the specifier as written. */
  readonly target: string;
}

/** Every TypeScript file below these folders, in order of path. */
export function readSources(...folders: readonly string[]): readonly SourceFile[] {
  const patterns = folders.map((folder) => `${folder}/**/*.{ts,tsx,mjs}`);
  return globSync(patterns, { cwd: ROOT, exclude: (path) => path === 'node_modules' || path === 'dist' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => !BUILT_OR_FOREIGN.test(path))
    .sort()
    .map((path) => ({ path, text: readProjectFile(path) }));
}

export function readProjectFile(path: string): string {
  return readFileSync(posix.join(ROOT, path), 'utf8');
}

export function parseSource({ path, text }: SourceFile): Module {
  return parseSync(text, { syntax: 'typescript', tsx: path.endsWith('x'), decorators: true, target: 'es2022' });
}

export function importsOf(file: SourceFile): readonly Import[] {
  const specifiers: string[] = [];
  visit(parseSource(file), (node) => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) specifiers.push(specifier);
  });
  return specifiers.map((specifier) => ({ from: file.path, target: targetOf(file.path, specifier) }));
}

/** True when the file exports under the name `default`, in whichever way. */
export function hasDefaultExport(file: SourceFile): boolean {
  return parseSource(file).body.some((item) => {
    if (item.type === 'ExportDefaultDeclaration' || item.type === 'ExportDefaultExpression') return true;
    if (item.type !== 'ExportNamedDeclaration') return false;
    return item.specifiers.some(
      (specifier) => specifier.type === 'ExportSpecifier' && (specifier.exported ?? specifier.orig).value === 'default',
    );
  });
}

/** What the rules need of a node of the syntax tree; every node has some of it. */
interface Node {
  readonly type?: string;
  readonly value?: unknown;
  readonly source?: unknown;
  readonly argument?: unknown;
  readonly callee?: Node;
  readonly moduleRef?: Node;
  readonly expression?: unknown;
  readonly arguments?: readonly Node[];
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (typeof value !== 'object' || value === null) return;
  if (!Array.isArray(value)) see(value as Node);
  for (const member of Object.values(value)) visit(member, see);
}

function specifierOf(node: Node): string | undefined {
  const { type, source, argument, moduleRef } = node;
  if (type === 'ImportDeclaration' || type === 'ExportAllDeclaration' || type === 'ExportNamedDeclaration')
    return textOf(source);
  if (type === 'TsImportType') return textOf(argument);
  if (type === 'TsImportEqualsDeclaration') return textOf(moduleRef?.expression);
  return type === 'CallExpression' && loadsModule(node.callee) ? firstArgumentOf(node) : undefined;
}

function loadsModule(callee: Node | undefined): boolean {
  return callee?.type === 'Import' || (callee?.type === 'Identifier' && callee.value === 'require');
}

function firstArgumentOf(call: Node): string {
  return textOf(call.arguments?.[0]?.expression) ?? COMPUTED_AT_RUN_TIME;
}

function textOf(node: unknown): string | undefined {
  const literal = node as Node | null | undefined;
  return literal?.type === 'StringLiteral' && typeof literal.value === 'string' ? literal.value : undefined;
}

function targetOf(from: string, specifier: string): string {
  if (!specifier.startsWith('.')) return specifier;
  return posix.join(posix.dirname(from), specifier).replace(/\.(js|ts|jsx|tsx|mjs)$/, '');
}
