import { common, peer } from '@hyperledger/fabric-protos';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  commitAll,
  createNetwork,
  nextBlock,
  type TestIdentity,
  type TestNetwork,
  temporaryFolder,
} from '../ledger-support.js';
import {
  channelHeaderBytes,
  openTestPeer,
  signedEnvelope,
  type TestPeer,
  type TransactionSpec,
  transaction,
} from '../ledger-transactions.js';

const Code = peer.TxValidationCode;
let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let ledger: TestPeer;

beforeAll(async () => {
  network = await createNetwork();
});
beforeEach(async () => {
  folder = await temporaryFolder();
  ledger = await openTestPeer(network, folder.path);
});
afterEach(async () => {
  await ledger.close();
  await folder.remove();
});

function peerOf(index: number): TestIdentity {
  const identity = network.peers[index];
  if (identity === undefined) throw new Error(`no peer ${index}`);
  return identity;
}

const MALFORMED: { name: string; spec: TransactionSpec; code: number }[] = [
  {
    name: 'a signature with one bit changed',
    spec: {
      alterEnvelope: (envelope: common.Envelope) => {
        const signature = Buffer.from(envelope.getSignature_asU8());
        signature.writeUInt8(signature.readUInt8(20) ^ 1, 20);
        envelope.setSignature(signature);
      },
    },
    code: Code.BAD_CREATOR_SIGNATURE,
  },
  {
    name: 'a txId that is not derived from the creator',
    spec: { txId: 'ab'.repeat(32) },
    code: Code.BAD_PROPOSAL_TXID,
  },
  { name: 'another channel', spec: { channel: 'other' }, code: Code.TARGET_CHAIN_NOT_FOUND },
  { name: 'an unknown chaincode', spec: { chaincode: 'other' }, code: Code.INVALID_CHAINCODE },
  { name: 'writes into an unknown namespace', spec: { namespace: 'lscc' }, code: Code.INVALID_CHAINCODE },
  {
    name: 'two sets for one namespace',
    spec: {
      alter: ({ results }) => {
        results.setNsRwsetList([...results.getNsRwsetList(), ...results.getNsRwsetList()]);
      },
    },
    code: Code.ILLEGAL_WRITESET,
  },
  {
    name: 'a set that cannot be read',
    spec: {
      alter: ({ results }) => {
        for (const set of results.getNsRwsetList()) set.setRwset(Buffer.from('ffff', 'hex'));
      },
    },
    code: Code.BAD_RWSET,
  },
];

describe('form and creator', () => {
  const written = { writes: [['k', 'v']] } as const;

  it('a well-formed endorsed transaction is valid and its writes are in the state', async () => {
    expect(await ledger.commit(written)).toEqual([Code.VALID]);
    expect(await ledger.stateOf('k')).toBe('v');
  });

  it('bytes that are nothing, no envelope, no payload or no header get the code of the first of these', async () => {
    const noHeader = new common.Envelope();
    noHeader.setPayload(Buffer.from('1200', 'hex'));
    const noPayload = new common.Envelope();
    noPayload.setPayload(Buffer.from('ffff', 'hex'));
    const envelopes = [
      new Uint8Array(),
      Buffer.from('ffff', 'hex'),
      noPayload.serializeBinary(),
      noHeader.serializeBinary(),
    ];
    expect(await commitAll(ledger.ledger, envelopes)).toEqual([
      Code.NIL_ENVELOPE,
      Code.INVALID_OTHER_REASON,
      Code.BAD_PAYLOAD,
      Code.BAD_COMMON_HEADER,
    ]);
  });

  it.each(MALFORMED)('$name is refused and writes nothing', async ({ spec, code }) => {
    expect(await ledger.commit({ ...written, ...spec })).toEqual([code]);
    expect(await ledger.stateOf('k')).toBeUndefined();
  });

  it('an endorsed action under another signature header is refused', async () => {
    const own = transaction(network, written);
    const envelope = common.Envelope.deserializeBinary(own.envelope);
    const payload = common.Payload.deserializeBinary(envelope.getPayload_asU8());
    const tx = peer.Transaction.deserializeBinary(payload.getData_asU8());
    for (const action of tx.getActionsList()) action.setHeader(Buffer.from('0a0101', 'hex'));
    const header = payload.getHeader();
    if (header === undefined) throw new Error('no header');
    const forged = signedEnvelope(header, tx.serializeBinary(), network.client);
    expect(await commitAll(ledger.ledger, [forged])).toEqual([Code.INVALID_ENDORSER_TRANSACTION]);
  });

  it('configuration cannot be changed by a transaction', async () => {
    const signatureHeader = new common.SignatureHeader();
    signatureHeader.setCreator(network.client.serialized);
    signatureHeader.setNonce(new Uint8Array(24).fill(1));
    const header = new common.Header();
    const fields = { txId: '', channel: 'medledger', extension: new Uint8Array(), timestampMs: Date.now() };
    header.setChannelHeader(channelHeaderBytes({ ...fields, type: common.HeaderType.CONFIG }));
    header.setSignatureHeader(signatureHeader.serializeBinary());
    const envelope = signedEnvelope(header, new Uint8Array(), network.client);
    expect(await commitAll(ledger.ledger, [envelope])).toEqual([Code.INVALID_CONFIG_TRANSACTION]);
  });
});

describe('endorsement policy: two of three organisations, each by a peer', () => {
  it.each([
    { name: 'two organisations', endorsers: () => [peerOf(0), peerOf(2)], code: Code.VALID },
    { name: 'all three', endorsers: () => [peerOf(0), peerOf(1), peerOf(2)], code: Code.VALID },
    { name: 'none', endorsers: () => [], code: Code.ENDORSEMENT_POLICY_FAILURE },
    { name: 'one', endorsers: () => [peerOf(0)], code: Code.ENDORSEMENT_POLICY_FAILURE },
    { name: 'one organisation twice', endorsers: () => [peerOf(0), peerOf(0)], code: Code.ENDORSEMENT_POLICY_FAILURE },
    {
      name: 'one and a member that does not endorse',
      endorsers: () => [peerOf(0), peerOf(3)],
      code: Code.ENDORSEMENT_POLICY_FAILURE,
    },
  ])('$name: $code', async ({ endorsers, code }) => {
    expect(await ledger.commit({ writes: [['k', 'v']], endorsers: endorsers() })).toEqual([code]);
  });

  it('a client of an endorsing organisation is not its peer', async () => {
    const client = await network.authorities[1]?.issue('clerk', { ou: 'client' });
    if (client === undefined) throw new Error('not issued');
    expect(await ledger.commit({ writes: [['k', 'v']], endorsers: [peerOf(0), client] })).toEqual([
      Code.ENDORSEMENT_POLICY_FAILURE,
    ]);
  });

  it('an endorsement of something else does not count, but does no harm to the others', async () => {
    const envelopeWith = (good: number[]) =>
      transaction(network, {
        writes: [['k', 'v']],
        endorsers: good.map(peerOf),
        alter: ({ endorsed }) => {
          const endorsement = new peer.Endorsement();
          endorsement.setEndorser(peerOf(1).serialized);
          endorsement.setSignature(Buffer.from('3006020101020101', 'hex'));
          endorsed.addEndorsements(endorsement);
        },
      }).envelope;
    expect(await commitAll(ledger.ledger, [envelopeWith([0]), envelopeWith([0, 2])])).toEqual([
      Code.ENDORSEMENT_POLICY_FAILURE,
      Code.VALID,
    ]);
  });
});

describe('transaction ids', () => {
  it('the same envelope is valid once, in one block and in a later one', async () => {
    const { txId, envelope } = transaction(network, { writes: [['k', 'v']] });
    expect(await commitAll(ledger.ledger, [envelope, envelope])).toEqual([Code.VALID, Code.DUPLICATE_TXID]);
    expect(await commitAll(ledger.ledger, [envelope])).toEqual([Code.DUPLICATE_TXID]);
    expect(await ledger.ledger.transaction(txId)).toEqual({ blockNumber: 1, txNumber: 0, validationCode: Code.VALID });
  });

  it('an id used by an invalid transaction is used', async () => {
    const nonce = new Uint8Array(24).fill(7);
    const first = transaction(network, { nonce, writes: [['k', 'v']], endorsers: [] });
    const second = transaction(network, { nonce, writes: [['k', 'v']] });
    expect(await commitAll(ledger.ledger, [first.envelope, second.envelope])).toEqual([
      Code.ENDORSEMENT_POLICY_FAILURE,
      Code.DUPLICATE_TXID,
    ]);
  });

  it("a forgery under somebody's id neither answers for it nor uses it up", async () => {
    const genuine = transaction(network, { writes: [['k', 'v']] });
    const forged = common.Envelope.deserializeBinary(genuine.envelope);
    forged.setSignature(Buffer.from('3006020101020101', 'hex'));
    const committed = await ledger.ledger.commit(await nextBlock(ledger.ledger, [forged.serializeBinary()]));
    expect(committed.transactions).toEqual([{ txId: '', validationCode: Code.BAD_CREATOR_SIGNATURE }]);
    expect(await ledger.ledger.transaction(genuine.txId)).toBeUndefined();
    expect(await commitAll(ledger.ledger, [genuine.envelope])).toEqual([Code.VALID]);
  });
});
