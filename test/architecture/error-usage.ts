import type { SourceFile } from './source-files.js';

const REGISTRY_FILES = ['chaincode/domain/request-errors.ts', 'chaincode/domain/failure-errors.ts'];

/** Codes that no file outside the registry names in quotes: either dead, or to be listed as reserved. */
export function findUnusedCodes(codes: readonly string[], files: readonly SourceFile[]): readonly string[] {
  const texts = files.filter(({ path }) => !REGISTRY_FILES.includes(path)).map(({ text }) => text);
  return codes.filter((code) => {
    const quoted = new RegExp(`['"\`]${code}['"\`:]`);
    return !texts.some((text) => quoted.test(text));
  });
}
