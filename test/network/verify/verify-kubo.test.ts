import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import { verifyDataFolder } from '../../../scripts/verify/verify-data-folder.js';
import { blockFile, type KuboProcess, removeKubo, startKubo } from '../../gateway/vault/kubo-process.js';
import { type RunningNetwork, runNetwork } from '../../support/running-network.js';
import { liveAWhile, type SampleStory } from './sample-story.js';
import { flipByte } from './spoil.js';

const BINARY = process.env.KUBO_BIN ?? '';
const onRealKubo = BINARY === '' ? describe.skip : describe;
const A = 'HospitalAMSP';

let kubo: KuboProcess;
let network: RunningNetwork;
let story: SampleStory;

async function findings(kuboUrls: string | undefined): Promise<readonly string[]> {
  if (kuboUrls === undefined) delete process.env.VAULT_KUBO_URL;
  else process.env.VAULT_KUBO_URL = kuboUrls;
  const topology = localTopology();
  const { checks } = await verifyDataFolder({ dataDir: network.dataDir, topology, vault: true, custody: false });
  return checks.flatMap((check) => check.findings.map(({ where, what }) => `${where}: ${what}`));
}

onRealKubo('verify-ledger where a vault is a Kubo node (needs KUBO_BIN)', () => {
  beforeAll(async () => {
    kubo = await startKubo(BINARY);
    process.env.VAULT_KUBO_URL = `${A}=${kubo.url}`;
    network = await runNetwork();
    story = await liveAWhile(network);
    await network.stop();
  });
  afterAll(async () => {
    delete process.env.VAULT_KUBO_URL;
    await network?.stop();
    network?.remove();
    if (kubo !== undefined) await removeKubo(kubo);
  });

  it('asks the node for what it holds', async () => {
    expect(await findings(`${A}=${kubo.url}`)).toEqual([]);
  });

  it('names the node and the record of a damaged block', async () => {
    const { cid, recordId } = story.small;
    flipByte(blockFile(kubo, cid), 20);
    expect(await findings(`${A}=${kubo.url}`)).toContain(
      `${A}, record ${recordId}, CID ${cid}: block ${cid} is damaged (in the Kubo node at ${kubo.url})`,
    );
    flipByte(blockFile(kubo, cid), 20);
  });

  it('names a node that does not answer, and a folder where a node was meant', async () => {
    expect(await findings(`${A}=http://127.0.0.1:9`)).toContainEqual(
      expect.stringMatching(`^${A}, http://127.0.0.1:9/?: the Kubo node does not answer$`),
    );
    expect(await findings(undefined)).toContainEqual(expect.stringMatching(`^${A}, .*: the vault node has no folder$`));
  });
});
