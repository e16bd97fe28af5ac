import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartError } from '../start/start-error.js';

/** What a running embedded ledger says of itself. */
export interface LedgerReport {
  readonly endpoints: readonly { readonly mspId: string; readonly address: string }[];
  /** Undefined when the topology names none. */
  readonly orderer?: { readonly host: string; readonly address: string };
  /** Number of blocks by MSP id. */
  readonly heights: Readonly<Record<string, number>>;
  readonly setAside: Readonly<Record<string, string>>;
  readonly chaincodes: readonly { readonly name: string; readonly version: string; readonly sequence: number }[];
  /** By name: MSP ids of the peers with which it is not registered at the moment. */
  readonly missingChaincodes: Readonly<Record<string, readonly string[]>>;
}

export interface DeployReport {
  readonly name: string;
  readonly version: string;
  readonly sequence: number;
  readonly isNew: boolean;
  readonly packageId: string;
}

interface Control {
  readonly url: string;
  readonly token: string;
}

/** A deployment installs and builds first. */
const ANSWER_MS = 15 * 60_000;

/** @throws StartError the ledger does not run */
export function askStatus(dataDir: string): Promise<LedgerReport> {
  return ask<LedgerReport>(dataDir, 'GET', '/status');
}

/** @throws StartError with the ledger's own sentence when it refuses */
export function askDeploy(dataDir: string, request: object): Promise<DeployReport> {
  return ask<DeployReport>(dataDir, 'POST', '/deploy', request);
}

/** @throws StartError with the ledger's own sentence when it refuses */
export function askPeer(
  dataDir: string,
  mspId: string,
  verb: 'stop' | 'start',
): Promise<{ readonly changed: boolean }> {
  return ask(dataDir, 'POST', `/peers/${encodeURIComponent(mspId)}/${verb}`);
}

async function ask<Answer>(dataDir: string, method: string, path: string, body?: object): Promise<Answer> {
  const file = join(dataDir, 'ledger', 'control.json');
  const missing = 'No embedded ledger runs on this folder; bring it up first: npm run network -- up.';
  if (!existsSync(file)) throw new StartError(missing);
  const { url, token } = parseControl(JSON.parse(readFileSync(file, 'utf8')));
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(ANSWER_MS),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch (cause) {
    throw new StartError(missing, { cause });
  }
  const answer: unknown = await response.json();
  if (response.ok) return parseAnswer<Answer>(answer);
  throw new StartError(parseRefusal(answer));
}

function parseControl(value: unknown): Control {
  return value as Control;
}

function parseAnswer<Answer>(value: unknown): Answer {
  return value as Answer;
}

function parseRefusal(value: unknown): string {
  return String((value as { error?: unknown }).error);
}
