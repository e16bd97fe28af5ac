import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CREDENTIALS_FILE } from '../../scripts/seed/credentials.js';
import { type RunningNetwork, runNetwork } from '../support/running-network.js';

const GUIDE = new URL('../../docs/api-guide.md', import.meta.url);
/** Printed before each story, so that what comes out can be told apart. */
const MARK = '---- story';

let network: RunningNetwork;
let shown: readonly string[];

const stories = readFileSync(GUIDE, 'utf8')
  .split('\n## ')
  .slice(1)
  .map((section) => ({ title: section.split('\n', 1).join(), block: /```sh\n(.*?)```/s.exec(section)?.[1] ?? '' }));

beforeAll(async () => {
  network = await runNetwork();
  const blocks = stories.map(({ block }) => `echo '${MARK}'\n${block}`).join('\n');
  const script = blocks
    .replace('http://127.0.0.1:8080', network.gatewayUrl('HospitalAMSP'))
    .replace('http://127.0.0.1:8081', network.gatewayUrl('HospitalBMSP'))
    .replace('.medledger/demo-credentials.json', join(network.dataDir, CREDENTIALS_FILE));
  const { stdout } = await promisify(execFile)('bash', ['-c', `set -eu -o pipefail\n${script}`]);
  shown = stdout.split(`${MARK}\n`).slice(1);
});
afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('the stories of the API guide', () => {
  it.each(stories.map(({ title, block }, at) => ({ title, block, at })))('$title', ({ block, at }) => {
    const promised = block.split('\n').flatMap((line) => (line.startsWith('#= ') ? [line.slice(3)] : []));
    expect(shown[at]?.split('\n').filter((line) => line !== '')).toEqual(promised);
  });
});
