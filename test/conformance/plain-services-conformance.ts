import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Client, status } from '@grpc/grpc-js';
import { common, type orderer, peer } from '@hyperledger/fabric-protos';
import { parseBlock } from '../../network/devledger/commit/block-codec.js';
import { signatureFault } from '../../network/devledger/commit/orderer-signatures.js';
import { MspRegistry } from '../../network/devledger/msp.js';
import { ordererDefinition, readAdminIdentity } from '../../network/identities/index.js';
import { ORDERER_DOMAIN } from '../../network/topology.js';
import { orderingServiceOf } from '../../scripts/verify/fabric/ordering-service.js';
import { HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committedAs, useMember } from './member-client.js';
import {
  broadcast,
  connectOrderer,
  connectPeer,
  endorsedBy,
  envelopeOf,
  processProposal,
  proposalTo,
  signedProposal,
  transactionOf,
} from './node-calls.js';
import { type Seek, seekAt, seekEnvelope } from './raw-calls.js';

const { VALID, ENDORSEMENT_POLICY_FAILURE } = peer.TxValidationCode;
const { SUCCESS, BAD_REQUEST, FORBIDDEN, NOT_FOUND } = common.Status;
const DELIVER = '/orderer.AtomicBroadcast/Deliver';
/** More than a server takes before it has answered. */
const MANY = 40;

/** What Fabric's own tools, and SDKs older than the gateway, use: the endorser of each peer, and an orderer. */
export function describePlainServices(ledger: () => LedgerUnderTest): void {
  describeEndorser(ledger);
  describeEndorserRefusals(ledger);
  describeBroadcast(ledger);
  describeOrdererDeliver(ledger);
}

function useNode(connect: () => Client): () => Client {
  let node: Client | undefined;
  beforeAll(() => {
    node = connect();
  });
  afterAll(() => node?.close());
  return () => {
    if (node === undefined) throw new Error('no node');
    return node;
  };
}

function describeEndorser(ledger: () => LedgerUnderTest): void {
  describe('the endorser of a peer', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const atA = useNode(() => connectPeer(ledger(), HOSPITAL_A));
    const atB = useNode(() => connectPeer(ledger(), HOSPITAL_B));
    const ordering = useNode(() => connectOrderer(ledger()));

    it('signs what the next one signs too, and an orderer takes what the client makes of both', async () => {
      const signed = signedProposal(client(), calls('put plain 1, get plain'));
      const answers = [await endorsedBy(atA(), signed), await endorsedBy(atB(), signed)];
      expect(answers.map((answer) => answer.getResponse()?.getStatus())).toEqual([200, 200]);
      expect(answers.map((answer) => answer.getVersion())).toEqual([1, 1]);
      expect(answers[0]?.getPayload_asB64()).toBe(answers[1]?.getPayload_asB64());
      const { txId, envelope } = transactionOf(client(), signed, answers);
      expect((await broadcast(ordering(), [envelope])).map((answer) => answer.getStatus())).toEqual([SUCCESS]);
      expect((await committedAs(client(), txId)).code).toBe(VALID);
      expect(await client().evaluate(calls('get plain'))).toEqual(['1']);
      expect(await processProposal(atA(), signed)).toEqual({
        code: status.UNKNOWN,
        message: expect.stringMatching(`^duplicate transaction found \\[${txId}\\]. Creator \\[`),
      });
    });

    it('signs what is not enough by itself', async () => {
      const signed = signedProposal(client(), calls('put lonely 1'));
      const { txId, envelope } = transactionOf(client(), signed, [await endorsedBy(atA(), signed)]);
      await broadcast(ordering(), [envelope]);
      expect((await committedAs(client(), txId)).code).toBe(ENDORSEMENT_POLICY_FAILURE);
    });

    it('hands on what a chaincode refuses, unsigned', async () => {
      const answer = await endorsedBy(atA(), signedProposal(client(), [['answer', 500, 'not today']]));
      expect(answer.getResponse()?.toObject()).toMatchObject({ status: 500, message: 'not today' });
      expect(answer.getEndorsement()).toBeUndefined();
    });

    it('answers for itself, without a channel and unsigned', async () => {
      const { channel } = ledger().topology;
      const signed = proposalTo(client(), 'qscc', { channel: '', args: ['GetChainInfo', channel] });
      const answer = await endorsedBy(atA(), signed);
      const payload = answer.getResponse()?.getPayload_asU8() ?? new Uint8Array();
      expect(common.BlockchainInfo.deserializeBinary(payload).getHeight()).toBeGreaterThan(1);
      expect(answer.getEndorsement()).toBeUndefined();
      const joined = await endorsedBy(atA(), proposalTo(client(), 'cscc', { channel: '', args: ['GetChannels'] }));
      const list = peer.ChannelQueryResponse.deserializeBinary(
        joined.getResponse()?.getPayload_asU8() ?? new Uint8Array(),
      );
      expect(list.getChannelsList().map((each) => each.getChannelId())).toEqual([channel]);
    });
  });
}

function describeEndorserRefusals(ledger: () => LedgerUnderTest): void {
  describe('the endorser of a peer', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const atA = useNode(() => connectPeer(ledger(), HOSPITAL_A));

    it.each([
      {
        what: 'of another channel',
        chaincode: 'conformance',
        channel: 'elsewhere',
        text: /^channel 'elsewhere' not found$/,
      },
      {
        what: 'of a chaincode that is not there',
        chaincode: 'nobody',
        channel: undefined,
        text: /^make sure the chaincode nobody has been successfully defined on channel \w+ and try again: chaincode nobody not found$/,
      },
    ])('says in its answer what is wrong with a proposal $what', async ({ chaincode, channel, text }) => {
      const place = { channel: channel ?? ledger().topology.channel, args: ['run', '[]'] };
      const answer = await endorsedBy(atA(), proposalTo(client(), chaincode, place));
      expect(answer.getResponse()?.getStatus()).toBe(500);
      expect(answer.getResponse()?.getMessage()).toMatch(text);
      expect(answer.getEndorsement()).toBeUndefined();
    });

    it.each([
      {
        what: 'signed by nobody',
        change: { sign: () => Buffer.from('nonsense') },
        text: /access denied: channel \[\w+\] creator org \[HospitalAMSP\]$/,
      },
      { what: 'of long ago', change: { timestampMs: 1_000 }, text: /^request unauthorized due to incorrect timestamp/ },
    ])('takes no proposal $what', async ({ change, text }) => {
      expect(await processProposal(atA(), signedProposal(client(), calls('get k'), change))).toEqual({
        code: status.UNKNOWN,
        message: expect.stringMatching(text),
      });
    });
  });
}

function describeBroadcast(ledger: () => LedgerUnderTest): void {
  describe('an orderer', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const atA = useNode(() => connectPeer(ledger(), HOSPITAL_A));
    const atB = useNode(() => connectPeer(ledger(), HOSPITAL_B));
    const ordering = useNode(() => connectOrderer(ledger()));
    const statuses = (answers: readonly orderer.BroadcastResponse[]) => answers.map((answer) => answer.getStatus());

    it('answers each envelope of a stream, however fast they come', async () => {
      const made = await Promise.all(
        Array.from({ length: MANY }, async (_, index) => {
          const signed = signedProposal(client(), calls(`put many${index} ${index}`));
          const answers = await Promise.all([endorsedBy(atA(), signed), endorsedBy(atB(), signed)]);
          return transactionOf(client(), signed, answers);
        }),
      );
      const answers = await broadcast(
        ordering(),
        made.map(({ envelope }) => envelope),
      );
      expect(statuses(answers)).toEqual(made.map(() => SUCCESS));
      const outcomes = await Promise.all(made.map(({ txId }) => committedAs(client(), txId)));
      expect(new Set(outcomes.map(({ code }) => code))).toEqual(new Set([VALID]));
    });

    it('ends a stream behind what it does not take', async () => {
      const { channel } = ledger().topology;
      const forged = envelopeOf(client(), common.HeaderType.ENDORSER_TRANSACTION, channel);
      forged.setSignature('AAAA');
      expect(statuses(await broadcast(ordering(), [forged, forged]))).toEqual([FORBIDDEN]);
      const elsewhere = envelopeOf(client(), common.HeaderType.ENDORSER_TRANSACTION, 'elsewhere');
      expect(statuses(await broadcast(ordering(), [elsewhere]))).toEqual([BAD_REQUEST]);
    });

    it('takes no configuration that a client made', async () => {
      const made = envelopeOf(client(), common.HeaderType.CONFIG, ledger().topology.channel);
      const [answer] = await broadcast(ordering(), [made]);
      expect(answer?.getStatus()).toBe(BAD_REQUEST);
      expect(answer?.getInfo()).toMatch(/message is of type that cannot be processed directly$/);
    });
  });
}

function describeOrdererDeliver(ledger: () => LedgerUnderTest): void {
  describe('an orderer hands out blocks', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);
    const ordering = useNode(() => connectOrderer(ledger()));
    const ask = async (request: Partial<Seek>, who = client) =>
      seekAt(
        ordering(),
        DELIVER,
        seekEnvelope(who().member, { start: 0, stop: 0, channel: ledger().topology.channel, ...request }),
      );

    it('that it has signed by the policy of the channel', async () => {
      const { blockNumber } = await client().submit(calls('put signed x'));
      const { blocks, responses, status: end } = await ask({ stop: blockNumber });
      expect(end).toBe(SUCCESS);
      expect(blocks).toEqual(Array.from({ length: blockNumber + 1 }, (_, number) => number));
      const parts = responses.map((response) => parseBlock(response.getBlock()?.serializeBinary() ?? new Uint8Array()));
      const service = orderingServiceOf(configOf(parts[0]?.envelopes[0] ?? new Uint8Array()));
      if (service === undefined) throw new Error('block 0 has no ordering service');
      const msps = new MspRegistry([ordererDefinition(ledger().dataDir, ledger().topology)]);
      expect(parts.slice(1).flatMap((block) => signatureFault(block, service, msps) ?? [])).toEqual([]);
    });

    it('by the names of positions, and as they come', async () => {
      const { blockNumber } = await client().submit(calls('put newest x'));
      expect(await ask({ start: 'newest', stop: 'newest' })).toMatchObject({ blocks: [blockNumber], status: SUCCESS });
      const coming = ask({ start: blockNumber, stop: blockNumber + 1 });
      await client().submit(calls('put coming x'));
      expect(await coming).toMatchObject({ blocks: [blockNumber, blockNumber + 1], status: SUCCESS });
      const beyond = { start: blockNumber + 100, stop: blockNumber + 100 };
      expect((await ask(beyond)).status).toBe(NOT_FOUND);
    });

    it('to its own organisation, and not to one without a peer', async () => {
      expect((await ask({}, insurer)).status).toBe(FORBIDDEN);
      const { mspId, certificatePem, privateKey } = readAdminIdentity(ledger().dataDir, ORDERER_DOMAIN, 'orderer');
      const administrator = { identity: { mspId, credentials: Buffer.from(certificatePem) }, privateKey };
      const envelope = seekEnvelope(administrator, { start: 0, stop: 0, channel: ledger().topology.channel });
      expect((await seekAt(ordering(), DELIVER, envelope)).status).toBe(SUCCESS);
    });
  });
}

function configOf(envelope: Uint8Array): Uint8Array {
  return common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope).getPayload_asU8()).getData_asU8();
}
