import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { common } from '@hyperledger/fabric-protos';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { ordererDirectory, readOrdering } from '../../../network/devledger/channel-sealing.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { openOrderer } from '../../../network/devledger/orderer/open-orderer.js';
import { ensureIdentities, mspDefinitions } from '../../../network/identities/index.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { broadcast } from '../../conformance/node-calls.js';
import { decode } from '../ledger-front/front-client.js';
import { fuzzCorpus } from '../ledger-faults/fuzz-corpus.js';
import { type StrangerClient, strangerClient, twoOrganisations, writeChaincode } from './stranger.js';

let dataDir: string;
let topology: LedgerTopology;
let ledger: DevLedger;
let client: StrangerClient;

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'orderer-port-'));
  topology = await twoOrganisations();
  writeChaincode(join(dataDir, 'notes'));
});
afterEach(async () => {
  client.close();
  await ledger.stop();
  rmSync(dataDir, { recursive: true, force: true });
}, 30_000);

async function start(): Promise<void> {
  const chaincodes = [{ name: 'notes', version: '1.0', folder: join(dataDir, 'notes') }];
  ledger = await startDevLedger({ topology, dataDir, chaincodes, operations: true });
  client = strangerClient(dataDir, ledger.endpoints[0] ?? { address: '', host: '' });
}

describe('the orderer of a topology', () => {
  beforeEach(start, 60_000);

  it('has an operations port that answers as that of Fabric’s does', async () => {
    const [first] = topology.orderers;
    expect(ledger.orderer).toEqual({
      host: 'orderer.example.com',
      port: first?.port,
      address: `127.0.0.1:${first?.port}`,
    });
    await client.contract('notes').submitTransaction('put', 'a', 'first');
    const ask = async (path: string) => (await fetch(`http://127.0.0.1:${first?.operationsPort}${path}`)).text();
    expect(JSON.parse(await ask('/healthz')).status).toBe('OK');
    expect(JSON.parse(await ask('/version')).Version).toBe('3.1-devledger');
    expect(JSON.parse(await ask('/logspec')).spec).toEqual(expect.any(String));
    const text = await ask('/metrics');
    const labels = 'status="SUCCESS",channel="mychannel",type="ENDORSER_TRANSACTION"';
    expect(text).toContain(`broadcast_processed_count{${labels}} 1`);
    expect(text).toContain(`broadcast_enqueue_duration_count{${labels}} 1`);
    expect(text).toContain('blockcutter_block_fill_duration_count{channel="mychannel"} 1');
    expect(text).toContain('ledger_blockchain_height{channel="mychannel"} 2');
  }, 60_000);

  it('takes no update of the channel, and says what to do instead', async () => {
    const corpus = await fuzzCorpus(client, dataDir);
    const payload = common.Payload.deserializeBinary(corpus.envelopePayloads[0] ?? new Uint8Array());
    const header = payload.getHeader() ?? new common.Header();
    const channelHeader = common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8());
    channelHeader.setType(common.HeaderType.CONFIG_UPDATE);
    header.setChannelHeader(channelHeader.serializeBinary());
    const envelope = common.Envelope.deserializeBinary(corpus.signedEnvelope(payload.serializeBinary()));
    const ca = join(dataDir, 'organizations/ordererOrganizations/example.com/tlsca/tlsca.example.com-cert.pem');
    const node = new Client(ledger.orderer?.address ?? '', credentials.createSsl(readFileSync(ca)));
    const [answer] = await broadcast(node, [envelope]);
    node.close();
    expect(answer?.getStatus()).toBe(common.Status.NOT_IMPLEMENTED);
    expect(answer?.getInfo()).toMatch(/network -- deploy/);
  }, 60_000);
});

describe('a ledger from before blocks were signed', () => {
  beforeEach(async () => {
    await ensureIdentities(topology, dataDir);
    const endorsers = topology.organisations.map(({ mspId }) => mspId);
    const orderer = await openOrderer({
      directory: ordererDirectory(dataDir),
      batch: topology.batch,
      genesis: genesisBlock({
        channel: topology.channel,
        msps: mspDefinitions(dataDir, topology, { includeOrderer: false }),
        policy: { endorsers, needed: topology.endorsementsNeeded },
      }),
    });
    await orderer.close();
    await start();
  }, 60_000);

  it('opens and goes on without signatures, also when it is opened again', async () => {
    await client.contract('notes').submitTransaction('put', 'a', 'unsigned');
    expect(await readOrdering({ topology, dataDir })).toBeUndefined();
    client.close();
    await ledger.stop();
    await start();
    expect([...ledger.heights().values()]).toEqual([2, 2]);
    const block = await client.contract('qscc').evaluateTransaction('GetBlockByNumber', 'mychannel', '1');
    expect(common.Block.deserializeBinary(block).getMetadata()?.getMetadataList_asU8()[0]).toHaveLength(0);
    expect(decode(await client.contract('notes').evaluateTransaction('get', 'a'))).toBe('unsigned');
  }, 60_000);
});
