import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import '@fastify/swagger';
import { Command } from 'commander';
import { pino } from 'pino';
import { buildApp } from '../gateway/app.js';
import type { Services } from '../gateway/services/medledger.js';

/** Only the routes' schemas are read; no use case is ever called. */
const neverCalled = async (): Promise<never> => {
  throw new Error('invariant failed: the documentation is made without serving a request');
};
const services = new Proxy({}, { get: () => neverCalled }) as Services;

async function openApiDocument(): Promise<string> {
  const app = await buildApp({
    services,
    organisation: { mspId: 'DocumentationMSP', name: 'Documentation', hasPeer: true },
    logger: pino({ level: 'silent' }),
    stores: { idempotencyPath: ':memory:' },
  });
  await app.ready();
  const document = `${JSON.stringify(app.swagger(), undefined, 2)}\n`;
  await app.close();
  return document;
}

function write(path: string, document: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.new`, document);
  renameSync(`${path}.new`, path);
}

function check(path: string, document: string): void {
  if (readFileSync(path, 'utf8') === document) return;
  console.error(`${path} does not say what the routes say. Run this script without --check.`);
  process.exitCode = 1;
}

const { check: onlyCheck, out } = new Command('make-openapi')
  .description('Writes the OpenAPI document from the schemas of the routes')
  .option('--out <file>', 'the document', 'docs/openapi.json')
  .option('--check', 'compare instead of writing; exit code 1 when they differ', false)
  .parse()
  .opts<{ check: boolean; out: string }>();
const document = await openApiDocument();
if (onlyCheck) check(out, document);
else write(out, document);
