import { verify, X509Certificate } from 'node:crypto';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import { encodeBlock, parseBlock } from '../../../network/devledger/commit/block-codec.js';
import { blockHeaderBytes } from '../../../network/devledger/commit/block-hash.js';
import { storedTerms } from '../../../network/devledger/commit/channel-ordering.js';
import { blocksDirectory, openPeerLedger } from '../../../network/devledger/commit/open-peer-ledger.js';
import { DISK } from '../../../network/devledger/store/file-system.js';
import { FrameFiles } from '../../../network/devledger/store/frame-files.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import type { TestIdentity } from '../ledger-support.js';
import {
  createSealingNetwork,
  SealedLedger,
  type SealingNetwork,
  stripped,
  TERMS,
  withoutSeal,
} from './sealed-ledger.js';

const ROUNDS = 3;

let network: SealingNetwork;
let sealed: SealedLedger;

beforeAll(async () => {
  network = await createSealingNetwork();
});
beforeEach(async () => {
  sealed = await SealedLedger.open(network, ROUNDS);
});
afterEach(() => sealed.remove());

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

describe('a block of the orderer', () => {
  it('bears a signature over metadata, signer and header, and names block 0 as its configuration', () => {
    const { metadata, ...header } = parseBlock(sealed.block(2));
    const signatures = common.Metadata.deserializeBinary(metadata[0] ?? new Uint8Array());
    const [signature] = signatures.getSignaturesList();
    const named = signature?.getSignatureHeader_asU8() ?? new Uint8Array();
    expect(Buffer.from(common.SignatureHeader.deserializeBinary(named).getCreator_asU8())).toEqual(
      Buffer.from(network.orderers.signing.serialized),
    );
    const signed = Buffer.concat([signatures.getValue_asU8(), named, blockHeaderBytes(header)]);
    const { publicKey } = new X509Certificate(network.orderers.signing.certificatePem);
    expect(verify('sha256', signed, publicKey, signature?.getSignature_asU8() ?? new Uint8Array())).toBe(true);
    const said = common.OrdererBlockMetadata.deserializeBinary(signatures.getValue_asU8());
    expect(said.getLastConfig()?.getIndex()).toBe(0);
    const last = common.Metadata.deserializeBinary(metadata[1] ?? new Uint8Array()).getValue_asU8();
    expect(common.LastConfig.deserializeBinary(last).getIndex()).toBe(0);
    expect(metadata[3]).toHaveLength(0);
  });

  it('is taken by a peer; an orderer that comes back signs on', async () => {
    const orderer = await sealed.openOrderer();
    await sealed.order(orderer, 'after');
    const last = (await orderer.blockByNumber(ROUNDS + 1)) ?? new Uint8Array();
    const ledger = await sealed.filledPeer('A', [...sealed.blocks, last]);
    expect(ledger.height()).toBe(ROUNDS + 2);
    await ledger.close();
    await orderer.close();
  });
});

describe('a peer refuses', () => {
  const NOBODY = /block 1 from the orderer: 0 orderers signed it, 1 are needed/;
  it.each([
    { what: 'a block without signatures', change: stripped },
    {
      what: 'a signature over another header',
      change: (block: Uint8Array) => sealed.resealed(block, network.orderers.signing, 9),
    },
    {
      what: 'one of an administrator',
      change: (block: Uint8Array) => sealed.resealed(block, network.orderers.administrator),
    },
    {
      what: 'one of a member',
      change: (block: Uint8Array) => sealed.resealed(block, network.peers[0] as TestIdentity),
    },
    { what: 'another last configuration', change: withOtherValue },
  ])('$what', async ({ change }) => {
    const ledger = await openPeerLedger(sealed.options('A'));
    await expect(ledger.commit(change(sealed.block(1)))).rejects.toThrow(NOBODY);
    await ledger.commit(sealed.block(1));
    expect(ledger.height()).toBe(2);
    await ledger.close();
  });
});

describe('blocks of which the signatures were taken off behind the ledger’s back', () => {
  /** As somebody leaves them who writes files with right digests. */
  async function strip(name: string, number: number): Promise<void> {
    const directory = blocksDirectory(sealed.pathOf(name));
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

  beforeEach(async () => {
    for (const name of ['A', 'B']) await (await sealed.filledPeer(name, sealed.blocks)).close();
  });

  it('are named by the verification', async () => {
    await strip('A', 2);
    const { signatureCache, ...rules } = sealed.options('A');
    const { findings } = await verifyPeer(
      { mspId: 'A', directory: sealed.pathOf('A') },
      { ...rules, signatures: signatureCache },
    );
    expect(findings.map(({ where, detail }) => [where.split(',')[0], detail])).toEqual([
      ['block 2', '0 orderers signed it, 1 are needed'],
    ]);
  });

  it('are not made a state from: the peer is filled anew', async () => {
    await strip('A', 2);
    await DISK.remove(sealed.pathOf('A/state'));
    const said: string[] = [];
    const otherPeers = [{ owner: 'B', directory: blocksDirectory(sealed.pathOf('B')) }];
    const healed = { otherPeers, mayStartOver: true, onIncident: (sentence: string) => said.push(sentence) };
    const ledger = await openPeerLedger(sealed.options('A', healed));
    expect(said.join()).toMatch(/0 orderers signed it/);
    // Filled anew, from the orderer.
    expect(ledger.height()).toBe(1);
    await ledger.close();
  });

  it('heal nobody', async () => {
    await strip('B', 2);
    await DISK.remove(blocksDirectory(sealed.pathOf('A')));
    const otherPeers = [{ owner: 'B', directory: blocksDirectory(sealed.pathOf('B')) }];
    await expect(openPeerLedger(sealed.options('A', { otherPeers }))).rejects.toThrow(/block 2: the file ends here/);
  });
});

describe('whether blocks are signed', () => {
  const places = (...names: string[]) =>
    names.map((owner) => ({ owner, directory: blocksDirectory(sealed.pathOf(owner)) }));

  it('says block 0, and one copy of it is enough', async () => {
    await (await openPeerLedger(sealed.options('signed'))).close();
    await (await openPeerLedger(sealed.options('old', { ordering: undefined }))).close();
    expect(await storedTerms(places('none'), DISK)).toBeUndefined();
    expect(await storedTerms(places('none', 'old'), DISK)).toBe('unsigned');
    expect(await storedTerms(places('old', 'signed'), DISK)).toEqual(TERMS);
  });

  it('a peer of signed blocks takes no folder without for its own', async () => {
    await (await openPeerLedger(sealed.options('old', { ordering: undefined }))).close();
    await expect(openPeerLedger(sealed.options('old'))).rejects.toThrow(/another network/);
  });
});
