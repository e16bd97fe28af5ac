import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { common } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { type DevLedger, startDevLedger } from '../../../network/devledger/dev-ledger.js';
import { type CommandResult, run } from '../../../network/fabric/run-command.js';
import type { LedgerTopology } from '../../../network/topology.js';
import { twoOrganisations, writeChaincode } from '../ledger-product/stranger.js';

const BIN = process.env.FABRIC_BIN ?? '';
const INVOKE_MS = 30_000;

let dataDir: string;
let topology: LedgerTopology;
let ledger: DevLedger;

if (BIN !== '') {
  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), 'peer-command-'));
    topology = await twoOrganisations();
    const folder = join(dataDir, 'notes');
    writeChaincode(folder);
    writeFileSync(
      join(dataDir, 'core.yaml'),
      'peer:\n  BCCSP:\n    Default: SW\n    SW:\n      Hash: SHA2\n      Security: 256\n',
    );
    ledger = await startDevLedger({ topology, dataDir, chaincodes: [{ name: 'notes', version: '1.0', folder }] });
  }, 90_000);
  afterAll(async () => {
    await ledger.stop();
    rmSync(dataDir, { recursive: true, force: true });
  }, 30_000);
}

/** Fabric's own `peer` on the embedded ledger, as its test network's pages call it. */
const describeWithFabric = BIN === '' ? describe.skip : describe;

describeWithFabric('Fabric’s peer command', () => {
  it(
    'invokes with endorsements of both, waits for the event, and queries',
    async () => {
      const invoked = await invoke('put', ['a', 'first'], ['org1', 'org2']);
      expect(invoked.stderr).toMatch(/committed with status \(VALID\)[\s\S]*Chaincode invoke successful/);
      const { stdout } = await peer(
        'chaincode',
        'query',
        '-C',
        'mychannel',
        '-n',
        'notes',
        '-c',
        '{"Args":["get","a"]}',
      );
      expect(stdout.trim()).toBe('first');
    },
    INVOKE_MS,
  );

  it(
    'is told that one endorsement was not enough',
    async () => {
      const { status, stderr } = await invoke('put', ['a', 'alone'], ['org1']);
      expect(status).toBe(1);
      expect(stderr).toMatch(/transaction invalidated with status \(ENDORSEMENT_POLICY_FAILURE\)/);
    },
    INVOKE_MS,
  );

  it('hears what a chaincode refuses', async () => {
    const asked = ['-C', 'mychannel', '-n', 'notes', '-c', '{"Args":["nothing"]}'];
    expect((await peer('chaincode', 'query', ...asked)).stderr).toMatch(
      /endorsement failure during query. response: status:500/,
    );
  });

  it('reads the channel', async () => {
    const { stdout } = await peer('channel', 'getinfo', '-c', 'mychannel');
    expect(stdout).toMatch(/Blockchain info: \{"height":\d+,"currentBlockHash":/);
    expect((await peer('channel', 'list')).stdout).toMatch(/mychannel/);
  });

  it.each([
    { block: '0', of: 'the orderer', from: () => ordererOptions(), number: 0 },
    { block: 'config', of: 'the orderer', from: () => ordererOptions(), number: 0 },
    { block: '1', of: 'a peer', from: () => [], number: 1 },
    { block: 'newest', of: 'the orderer', from: () => ordererOptions(), number: 2 },
  ])('fetches $block from $of', async ({ block, from, number }) => {
    const file = join(dataDir, `${block}.block`);
    const { status, stderr } = await peer('channel', 'fetch', block, file, '-c', 'mychannel', ...from());
    expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
    const bytes = readFileSync(file);
    expect(parseBlock(bytes).number).toBe(number);
    const slots = common.Block.deserializeBinary(bytes).getMetadata()?.getMetadataList_asU8() ?? [];
    const signatures = common.Metadata.deserializeBinary(slots[0] ?? new Uint8Array()).getSignaturesList();
    expect(signatures).toHaveLength(number === 0 ? 0 : 1);
  });

  it('reads what is deployed, and is told how to deploy', async () => {
    const committed = ['lifecycle', 'chaincode', 'querycommitted', '-C', 'mychannel'];
    expect((await peer(...committed)).stdout).toMatch(/Name: notes, Version: 1.0, Sequence: 1/);
    const approve = [...definition(), '--package-id', 'notes:1'];
    const { status, stderr } = await peer('lifecycle', 'chaincode', 'approveformyorg', ...approve);
    expect(status).toBe(1);
    expect(stderr).toMatch(/ApproveChaincodeDefinitionForMyOrg/);
  });
});

describeWithFabric('Fabric’s discover command', () => {
  it.each([
    {
      what: 'peers',
      args: ['--channel', 'mychannel'],
      text: /"MSPID": "Org2MSP"[\s\S]*"Endpoint": "peer0.org2.example.com:\d+"/,
    },
    {
      what: 'config',
      args: ['--channel', 'mychannel'],
      text: /"orderers": \{\s*"OrdererMSP"[\s\S]*"host": "orderer.example.com"/,
    },
    {
      what: 'endorsers',
      args: ['--channel', 'mychannel', '--chaincode', 'notes'],
      text: /"quantities_by_group": \{\s*"G0": 1,\s*"G1": 1\s*\}/,
    },
    { what: 'peers', args: [], text: /"MSPID": "Org1MSP"/ },
  ])('asks for $what $args', async ({ what, args, text }) => {
    const msp = join(organisation('org1'), 'users/Admin@org1.example.com/msp');
    const identity = ['--MSP', 'Org1MSP', '--userCert', join(msp, 'signcerts/Admin@org1.example.com-cert.pem')];
    const keys = ['--userKey', join(msp, 'keystore/priv_sk'), '--peerTLSCA', rootOf('org1')];
    const asked = [...identity, ...keys, what, ...args, '--server', addressOf('org1')];
    const { stdout, stderr } = await run({ program: join(BIN, 'discover'), args: asked, env: {} });
    expect(stdout === '' ? stderr : stdout).toMatch(text);
  });
});

function definition(): string[] {
  return ['-C', 'mychannel', '--name', 'notes', '--version', '2', '--sequence', '2', ...ordererOptions()];
}

function organisation(name: string): string {
  return join(dataDir, `organizations/peerOrganizations/${name}.example.com`);
}

function rootOf(name: string): string {
  return join(organisation(name), `tlsca/tlsca.${name}.example.com-cert.pem`);
}

function addressOf(name: string): string {
  const found = topology.organisations.find(({ domain }) => domain === `${name}.example.com`);
  return `localhost:${found?.peer?.port}`;
}

function ordererOptions(): string[] {
  const { port = 0, host = '' } = ledger.orderer ?? {};
  const cafile = join(dataDir, 'organizations/ordererOrganizations/example.com/tlsca/tlsca.example.com-cert.pem');
  return ['-o', `localhost:${port}`, '--ordererTLSHostnameOverride', host, '--tls', '--cafile', cafile];
}

function invoke(name: string, args: readonly string[], at: readonly string[]): Promise<CommandResult> {
  const peers = at.flatMap((each) => ['--peerAddresses', addressOf(each), '--tlsRootCertFiles', rootOf(each)]);
  const call = JSON.stringify({ function: name, Args: args });
  const options = ['-C', 'mychannel', '-n', 'notes', '--waitForEvent', '-c', call];
  return peer('chaincode', 'invoke', ...ordererOptions(), ...peers, ...options);
}

/** As the administrator of Org1. */
function peer(...args: string[]): Promise<CommandResult> {
  const env = {
    FABRIC_CFG_PATH: dataDir,
    CORE_PEER_TLS_ENABLED: 'true',
    CORE_PEER_LOCALMSPID: 'Org1MSP',
    CORE_PEER_TLS_ROOTCERT_FILE: rootOf('org1'),
    CORE_PEER_MSPCONFIGPATH: join(organisation('org1'), 'users/Admin@org1.example.com/msp'),
    CORE_PEER_ADDRESS: addressOf('org1'),
  };
  return run({ program: join(BIN, 'peer'), args, env });
}
