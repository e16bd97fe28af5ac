import { sign } from 'node:crypto';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import type { BlockParts } from '../../../network/devledger/commit/block-codec.js';
import { blockHeaderBytes } from '../../../network/devledger/commit/block-hash.js';
import { toLowS } from '../../../network/devledger/low-s.js';
import { MspRegistry } from '../../../network/devledger/msp.js';
import { ORDERER_MSP_ID } from '../../../network/identities/index.js';
import { type OrderingService, signatureFault } from '../../../network/devledger/commit/orderer-signatures.js';
import { createAuthority, type TestIdentity } from '../ledger-support.js';

const HEADER = { number: 7, previousHash: Buffer.alloc(32, 1), dataHash: Buffer.alloc(32, 2) };
const VALUE = Buffer.from('last config');
const RAFT: OrderingService = { isBft: false, consenters: new Map() };

let orderers: readonly TestIdentity[];
let client: TestIdentity;
let msps: MspRegistry;
let bft: OrderingService;

beforeAll(async () => {
  const authority = await createAuthority(ORDERER_MSP_ID);
  orderers = await Promise.all([1, 2, 3, 4].map((number) => authority.issue(`orderer${number}`, { ou: 'orderer' })));
  client = await authority.issue('somebody', { ou: 'client' });
  msps = new MspRegistry([{ mspId: ORDERER_MSP_ID, caCertPems: [authority.caCertPem] }]);
  bft = { isBft: true, consenters: new Map(orderers.map(({ serialized }, index) => [index + 1, serialized])) };
});

/** By the signer itself with Raft, by the signer's number with BFT. */
function signature({ key, serialized }: TestIdentity, number?: number, header = HEADER): common.MetadataSignature {
  const made = new common.MetadataSignature();
  let about: Uint8Array;
  if (number === undefined) {
    const named = new common.SignatureHeader();
    named.setCreator(serialized);
    about = named.serializeBinary();
    made.setSignatureHeader(about);
  } else {
    const numbered = new common.IdentifierHeader();
    numbered.setIdentifier(number);
    about = numbered.serializeBinary();
    made.setIdentifierHeader(about);
  }
  const signed = Buffer.concat([VALUE, about, blockHeaderBytes(header)]);
  made.setSignature(toLowS(sign('sha256', signed, key)));
  return made;
}

function blockWith(signatures: readonly common.MetadataSignature[]): BlockParts {
  const metadata = new common.Metadata();
  metadata.setValue(VALUE);
  metadata.setSignaturesList([...signatures]);
  return { ...HEADER, envelopes: [], metadata: [metadata.serializeBinary()] };
}

const ordererAt = (index: number): TestIdentity => orderers[index] as TestIdentity;

describe('signatureFault', () => {
  it('one orderer makes a block with Raft', () => {
    expect(signatureFault(blockWith([signature(ordererAt(0))]), RAFT, msps)).toBeUndefined();
    expect(signatureFault(blockWith([]), RAFT, msps)).toBe('0 orderers signed it, 1 are needed');
  });

  it('a client’s signature, or one on another block, counts for nothing', () => {
    const other = { ...HEADER, number: 8 };
    const block = blockWith([signature(client), signature(ordererAt(1), undefined, other)]);
    expect(signatureFault(block, RAFT, msps)).toBe('0 orderers signed it, 1 are needed');
  });

  it('three of four make a block with BFT; nobody counts twice', () => {
    const by = (...indexes: number[]) => blockWith(indexes.map((index) => signature(ordererAt(index), index + 1)));
    expect(signatureFault(by(0, 1, 2), bft, msps)).toBeUndefined();
    expect(signatureFault(by(0, 1), bft, msps)).toBe('2 orderers signed it, 3 are needed');
    expect(signatureFault(by(0, 1, 1), bft, msps)).toBe('2 orderers signed it, 3 are needed');
  });

  it('with BFT the number says whose signature it must be', () => {
    const block = blockWith([signature(ordererAt(0), 2), signature(ordererAt(1), 9), signature(ordererAt(2), 3)]);
    expect(signatureFault(block, bft, msps)).toBe('1 orderers signed it, 3 are needed');
  });

  it('bytes that are no signatures are said to be none', () => {
    const block = { ...blockWith([]), metadata: [Buffer.of(0xff, 0xff)] };
    expect(signatureFault(block, RAFT, msps)).toBe('its signatures cannot be read');
  });
});
