import { verify, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import { encodeBlock, orderersPart, parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { blockHeaderBytes } from '../../../network/devledger/commit/block-hash.js';
import { ChannelOrdering, storedTerms } from '../../../network/devledger/commit/channel-ordering.js';
import { genesisBlock } from '../../../network/devledger/commit/genesis-block.js';
import {
  blocksDirectory,
  openPeerLedger,
  type PeerLedgerOptions,
} from '../../../network/devledger/commit/open-peer-ledger.js';
import { openOrderer, type Orderer } from '../../../network/devledger/orderer/open-orderer.js';
import { type BlockSealing, sealBlock } from '../../../network/devledger/orderer/seal-block.js';
import { DISK } from '../../../network/devledger/store/file-system.js';
import { FrameFiles } from '../../../network/devledger/store/frame-files.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { ORDERER_MSP_ID } from '../../../network/identities/index.js';
import {
  CHANNEL,
  createAuthority,
  createNetwork,
  POLICY,
  peerOptions,
  type TestIdentity,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import { transaction } from '../ledger-transactions.js';

const TERMS = { endpoints: ['orderer.example.com:7050'], timeoutMs: 5, maxMessageCount: 1, preferredMaxBytes: 1000 };
const ROUNDS = 3;

let network: TestNetwork;
let orderers: { readonly signing: TestIdentity; readonly administrator: TestIdentity; readonly caCertPem: string };
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let blocks: Uint8Array[];

beforeAll(async () => {
  network = await createNetwork();
  const authority = await createAuthority(ORDERER_MSP_ID);
  const signing = await authority.issue('orderer', { ou: 'orderer' });
  orderers = {
    signing,
    administrator: await authority.issue('admin', { ou: 'admin' }),
    caCertPem: authority.caCertPem,
  };
});

beforeEach(async () => {
  folder = await temporaryFolder();
  const orderer = await open();
  for (let round = 0; round < ROUNDS; round += 1) await order(orderer, `${round}`);
  blocks = [];
  for (let number = 0; number < orderer.height(); number += 1) blocks.push(await blockOf(orderer, number));
  await orderer.close();
});
afterEach(() => folder.remove());

/** As after a start: nothing that was signed is known yet. */
function ordering(): ChannelOrdering {
  return new ChannelOrdering({ msp: { mspId: ORDERER_MSP_ID, caCertPems: [orderers.caCertPem] }, terms: TERMS });
}

function sealing(by: TestIdentity = orderers.signing): BlockSealing {
  return { ordering: ordering(), identity: { serialized: by.serialized, privateKey: by.key } };
}

function open(): Promise<Orderer> {
  return openOrderer({
    directory: join(folder.path, 'orderer'),
    batch: TERMS,
    sealing: sealing(),
    genesis: genesisBlock({ channel: CHANNEL, msps: network.msps, policy: POLICY, ordering: ordering() }),
  });
}

async function order(orderer: Orderer, value: string): Promise<void> {
  const number = orderer.height();
  await orderer.submit(transaction(network, { writes: [['k', value]] }).envelope);
  while (orderer.height() === number) await new Promise((resolve) => setTimeout(resolve, 1));
}

async function blockOf(orderer: Orderer, number: number): Promise<Uint8Array> {
  return (await orderer.blockByNumber(number)) ?? new Uint8Array();
}

function options(name: string, more: Partial<PeerLedgerOptions> = {}): PeerLedgerOptions {
  return { ...peerOptions(network, join(folder.path, name)), ordering: ordering(), ...more };
}

/** The same block with another seal. */
function resealed(block: Uint8Array, by: TestIdentity, number?: number): Uint8Array {
  const parts = parseBlock(block);
  const header = number === undefined ? parts : { ...parts, number };
  return encodeBlock({ ...parts, metadata: sealBlock(header, new Uint8Array(8), sealing(by)) });
}

function stripped(block: Uint8Array): Uint8Array {
  const parts = parseBlock(block);
  return encodeBlock({ ...parts, metadata: parts.metadata.map(() => new Uint8Array()) });
}

/** What the orderer says of itself changed, under the signature over what it said. */
function withOtherValue(block: Uint8Array): Uint8Array {
  const parts = parseBlock(block);
  const metadata = common.Metadata.deserializeBinary(parts.metadata[0] ?? new Uint8Array());
  const value = common.OrdererBlockMetadata.deserializeBinary(metadata.getValue_asU8());
  const last = new common.LastConfig();
  last.setIndex(1);
  value.setLastConfig(last);
  metadata.setValue(value.serializeBinary());
  return encodeBlock({ ...parts, metadata: [metadata.serializeBinary(), ...parts.metadata.slice(1)] });
}

async function filledPeer(name: string, given: readonly Uint8Array[], more: Partial<PeerLedgerOptions> = {}) {
  const ledger = await openPeerLedger(options(name, more));
  for (const block of given.slice(1)) await ledger.commit(block);
  return ledger;
}

describe('a block of the orderer', () => {
  it('bears a signature over metadata, signer and header, and names block 0 as its configuration', () => {
    const { metadata, ...header } = parseBlock(blocks[2] ?? new Uint8Array());
    const signatures = common.Metadata.deserializeBinary(metadata[0] ?? new Uint8Array());
    const [signature] = signatures.getSignaturesList();
    const named = signature?.getSignatureHeader_asU8() ?? new Uint8Array();
    expect(Buffer.from(common.SignatureHeader.deserializeBinary(named).getCreator_asU8())).toEqual(
      Buffer.from(orderers.signing.serialized),
    );
    const signed = Buffer.concat([signatures.getValue_asU8(), named, blockHeaderBytes(header)]);
    const { publicKey } = new X509Certificate(orderers.signing.certificatePem);
    expect(verify('sha256', signed, publicKey, signature?.getSignature_asU8() ?? new Uint8Array())).toBe(true);
    const said = common.OrdererBlockMetadata.deserializeBinary(signatures.getValue_asU8());
    expect(said.getLastConfig()?.getIndex()).toBe(0);
    const last = common.Metadata.deserializeBinary(metadata[1] ?? new Uint8Array()).getValue_asU8();
    expect(common.LastConfig.deserializeBinary(last).getIndex()).toBe(0);
    expect(metadata[3]).toHaveLength(0);
  });

  it('is taken by a peer; an orderer that comes back signs on', async () => {
    const orderer = await open();
    await order(orderer, 'after');
    const ledger = await filledPeer('A', [...blocks, await blockOf(orderer, ROUNDS + 1)]);
    expect(ledger.height()).toBe(ROUNDS + 2);
    await ledger.close();
    await orderer.close();
  });
});

describe('a peer refuses', () => {
  const NOBODY = /block 1 from the orderer: 0 orderers signed it, 1 are needed/;
  it.each([
    { what: 'a block without signatures', change: stripped },
    { what: 'a signature over another header', change: (block: Uint8Array) => resealed(block, orderers.signing, 9) },
    { what: 'one of an administrator', change: (block: Uint8Array) => resealed(block, orderers.administrator) },
    { what: 'one of a member', change: (block: Uint8Array) => resealed(block, network.peers[0] as TestIdentity) },
    { what: 'another last configuration', change: withOtherValue },
  ])('$what', async ({ change }) => {
    const ledger = await openPeerLedger(options('A'));
    await expect(ledger.commit(change(blocks[1] ?? new Uint8Array()))).rejects.toThrow(NOBODY);
    await ledger.commit(blocks[1] ?? new Uint8Array());
    expect(ledger.height()).toBe(2);
    await ledger.close();
  });
});

describe('blocks of which the signatures were taken off behind the ledger’s back', () => {
  /** As somebody leaves them who writes files with right digests. */
  async function strip(name: string, number: number): Promise<void> {
    const directory = blocksDirectory(join(folder.path, name));
    const kept = await FrameFiles.look({ directory, owner: name }, async (files) => {
      const all: Uint8Array[] = [];
      for (let at = 0; at < files.nextSequence; at += 1) all.push((await files.read(at)) ?? new Uint8Array());
      return all;
    });
    await DISK.remove(directory);
    const files = await FrameFiles.open({
      directory,
      owner: name,
      fileSizeMaxBytes: 1e9,
      acknowledgedSequence: 0,
      cutUnsoundTail: false,
      files: DISK,
    });
    for (const [at, block] of kept.entries()) await files.append(at === number ? withoutSeal(block) : block);
    await files.close();
  }

  function withoutSeal(block: Uint8Array): Uint8Array {
    const parts = parseBlock(block);
    const seal = new Set(orderersPart(parts.metadata));
    return encodeBlock({
      ...parts,
      metadata: parts.metadata.map((slot) => (seal.has(slot) ? new Uint8Array() : slot)),
    });
  }

  beforeEach(async () => {
    for (const name of ['A', 'B']) await (await filledPeer(name, blocks)).close();
  });

  it('are named by the verification', async () => {
    await strip('A', 2);
    const { signatureCache, ...rules } = options('A');
    const { findings } = await verifyPeer(
      { mspId: 'A', directory: join(folder.path, 'A') },
      { ...rules, signatures: signatureCache },
    );
    expect(findings.map(({ where, detail }) => [where.split(',')[0], detail])).toEqual([
      ['block 2', '0 orderers signed it, 1 are needed'],
    ]);
  });

  it('are not made a state from: the peer is filled anew', async () => {
    await strip('A', 2);
    await DISK.remove(join(folder.path, 'A', 'state'));
    const said: string[] = [];
    const otherPeers = [{ owner: 'B', directory: blocksDirectory(join(folder.path, 'B')) }];
    const healed = { otherPeers, mayStartOver: true, onIncident: (sentence: string) => said.push(sentence) };
    const ledger = await openPeerLedger(options('A', healed));
    expect(said.join()).toMatch(/0 orderers signed it/);
    // Filled anew, from the orderer.
    expect(ledger.height()).toBe(1);
    await ledger.close();
  });

  it('heal nobody', async () => {
    await strip('B', 2);
    await DISK.remove(blocksDirectory(join(folder.path, 'A')));
    const otherPeers = [{ owner: 'B', directory: blocksDirectory(join(folder.path, 'B')) }];
    await expect(openPeerLedger(options('A', { otherPeers }))).rejects.toThrow(/block 2: the file ends here/);
  });
});

describe('whether blocks are signed', () => {
  const places = (...names: string[]) =>
    names.map((owner) => ({ owner, directory: blocksDirectory(join(folder.path, owner)) }));

  it('says block 0, and one copy of it is enough', async () => {
    await (await openPeerLedger(options('signed'))).close();
    await (await openPeerLedger(options('old', { ordering: undefined }))).close();
    expect(await storedTerms(places('none'), DISK)).toBeUndefined();
    expect(await storedTerms(places('none', 'old'), DISK)).toBe('unsigned');
    expect(await storedTerms(places('old', 'signed'), DISK)).toEqual(TERMS);
  });

  it('a peer of signed blocks takes no folder without for its own', async () => {
    await (await openPeerLedger(options('old', { ordering: undefined }))).close();
    await expect(openPeerLedger(options('old'))).rejects.toThrow(/another network/);
  });
});
