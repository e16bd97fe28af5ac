import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CREDENTIALS_FILE } from '../../scripts/seed/credentials.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const README = new URL('../../README.md', import.meta.url);

let network: RunningNetwork;
beforeAll(async () => {
  network = await runNetwork();
});
afterAll(async () => {
  await network.stop();
  network.remove();
});

/** The shell block of the README that talks to a gateway, with the address and folder of this network. */
function journeyOfReadme(): string {
  const blocks = [...readFileSync(README, 'utf8').matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block ?? '');
  const journey = blocks.find((block) => block.includes('A=http'));
  if (journey === undefined) throw new Error('the README shows no journey');
  return journey
    .replace('http://127.0.0.1:8080', network.gatewayUrl('HospitalAMSP'))
    .replace('.medledger/demo-credentials.json', join(network.dataDir, CREDENTIALS_FILE));
}

describe('the journey of the README', () => {
  it('does what it says, line by line', async () => {
    const script = `set -eu -o pipefail\n${journeyOfReadme()}`;
    const { stdout } = await promisify(execFile)('bash', ['-c', script]);
    const [refusal, grantId, ...rest] = stdout.split('\n');
    expect(refusal).toBe('NO_GRANT');
    expect(grantId).toMatch(/^g[0-9a-f]{32}$/);
    const shown = rest.join('\n');
    expect(shown).toMatch(/^Penicillin gave me a rash\./);
    for (const action of ['register', 'add', 'open', 'request', 'approve'])
      expect(shown).toContain(`"action":"${action}"`);
    expect(shown).toContain('"code":"NO_GRANT"');
    expect(shown).toMatch(/\{"ok":true,"lanes":2,"entries":6\}$/);
  });
});
