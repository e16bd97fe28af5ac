/** Fabric's names of levels, with pino's. Fabric has no trace. */
const LEVELS: ReadonlyMap<string, string> = new Map([
  ['fatal', 'fatal'],
  ['panic', 'fatal'],
  ['error', 'error'],
  ['warn', 'warn'],
  ['warning', 'warn'],
  ['info', 'info'],
  ['debug', 'debug'],
]);

/**
 * Reads Fabric's `{"spec": "debug"}`. A peer here has one logger, so a specification of single loggers
 * (`gossip=debug:info`) is refused rather than half obeyed.
 *
 * @returns pino's level, or what is wrong in Fabric's words
 * @see Fabric common/flogging/httpadmin/spec.go
 */
export function parseLogSpec(body: string): { readonly level: string } | { readonly error: string } {
  const spec = readSpec(body);
  if (spec === undefined) return { error: 'invalid request: a body such as {"spec":"info"} is expected' };
  if (spec === '') return { level: 'info' };
  const level = LEVELS.get(spec.toLowerCase());
  if (level !== undefined) return { level };
  const reason = /[=:]/.test(spec) ? 'a peer of the embedded ledger has one logger' : `bad segment '${spec}'`;
  return { error: `invalid logging specification '${spec}': ${reason}` };
}

export function formatLogSpec(pinoLevel: string): string {
  return pinoLevel === 'trace' ? 'debug' : pinoLevel;
}

function readSpec(body: string): string | undefined {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    // Whatever it is, it is not JSON; the caller says what is expected.
    return undefined;
  }
  if (typeof value !== 'object' || value === null || Object.keys(value).join() !== 'spec') return undefined;
  return 'spec' in value && typeof value.spec === 'string' ? value.spec : undefined;
}
