import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { ERRORS } from '@medledger/chaincode/domain';
import { Command } from 'commander';

const INTRODUCTION = `# Errors

Every error the product answers, in order of precedence: where two apply, the earlier one is answered. Codes are never
reused or renamed. Over HTTP an error is a problem of RFC 9457 whose \`type\` ends in \`#CODE\` of this page; on the chain a
refusal carries its code in the entry.

This page is made from \`chaincode/domain/errors.ts\` by \`scripts/make-errors-page.ts\`.
`;

function errorsPage(): string {
  const sections = Object.entries(ERRORS).map(
    ([code, { status, issue, text }]) =>
      `<a id="${code}"></a>\n\n### ${code}\n\nHTTP ${status} · FHIR issue \`${issue}\`\n\n${text}\n`,
  );
  return [INTRODUCTION, ...sections].join('\n');
}

function write(path: string, page: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, page);
  renameSync(`${path}.new`, path);
}

function check(path: string, page: string): void {
  if (readFileSync(path, 'utf8') === page) return;
  console.error(`${path} does not say what the registry says. Run this script without --check.`);
  process.exitCode = 1;
}

const { check: onlyCheck, out } = new Command('make-errors-page')
  .description('Writes the page of error codes from the registry')
  .option('--out <file>', 'the page', 'docs/errors.md')
  .option('--check', 'compare instead of writing; exit code 1 when they differ', false)
  .parse()
  .opts<{ check: boolean; out: string }>();
if (onlyCheck) check(out, errorsPage());
else write(out, errorsPage());
