import { generateKeyPairSync, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { decode, enrol, failureOf, type Member, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork } from './front-network.js';

let network: FrontNetwork;
let member: Member;
let client: MemberClient;

beforeAll(async () => {
  network = await startFrontNetwork();
  member = await enrol(network.dataDir, network.organisation('HospitalAMSP'));
  client = await network.client('HospitalAMSP', member);
  // A peer whose chaincode is not there yet leaves refusing to the others.
  await client.contract.evaluate('get', { arguments: ['k'], endorsingOrganizations: ['HospitalAMSP'] });
});

beforeEach(() => {
  network.clock.offsetMs = 0;
});

afterAll(() => network.stop());

describe('a peer of the embedded ledger refuses', () => {
  it('a member of an organisation that the channel does not know', async () => {
    const stranger = await network.client('HospitalAMSP', {
      ...member,
      identity: { ...member.identity, mspId: 'NobodyMSP' },
    });
    const text =
      'error validating proposal: access denied: channel [medledger] creator org unknown, creator is malformed';
    expect(await failureOf(stranger.contract.evaluateTransaction('get', 'k'))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: `evaluate call to endorser returned error: ${text}`,
    });
    expect(await failureOf(stranger.contract.submitTransaction('put', 'k', 'v'))).toMatchObject({
      code: status.ABORTED,
      message: 'failed to endorse transaction, see attached details for more info',
      details: [{ mspId: 'HospitalAMSP', message: text }],
    });
  });

  it('a certificate of one organisation under the name of another', async () => {
    const impostor = await network.client('HospitalAMSP', {
      ...member,
      identity: { ...member.identity, mspId: 'HospitalBMSP' },
    });
    expect(await failureOf(impostor.contract.evaluateTransaction('get', 'k'))).toMatchObject({
      message: expect.stringContaining('access denied: channel [medledger] creator org unknown, creator is malformed'),
    });
  });

  it('a signature by another key', async () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forger = await network.client('HospitalAMSP', { ...member, privateKey });
    expect(await failureOf(forger.contract.evaluateTransaction('get', 'k'))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining('access denied: channel [medledger] creator org [HospitalAMSP]'),
    });
  });
});

describe('a peer refuses what comes at the wrong time', () => {
  it.each([
    { name: 'two minutes old', offsetMs: 119_000, refused: false },
    { name: 'more than two minutes old', offsetMs: 121_000, refused: true },
    { name: 'two minutes early', offsetMs: -119_000, refused: false },
    { name: 'more than two minutes early', offsetMs: -121_000, refused: true },
  ])('a proposal that is $name: $refused', async ({ offsetMs, refused }) => {
    network.clock.offsetMs = offsetMs;
    const query = client.contract.evaluateTransaction('get', 'k');
    if (!refused) {
      expect(decode(await query)).toBe('');
      return;
    }
    expect(await failureOf(query)).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.arrayContaining([
        expect.objectContaining({ message: expect.stringMatching(/^request unauthorized due to incorrect timestamp/) }),
      ]),
    });
  });

  it('a certificate that has ended', async () => {
    const late = await enrol(network.dataDir, network.organisation('HospitalAMSP'), Date.now() + 10 * 60_000);
    const ends = new X509Certificate(Buffer.from(late.identity.credentials)).validToDate.getTime();
    const lateClient = await network.client('HospitalAMSP', late);
    network.clock.offsetMs = ends + 1_000 - Date.now();
    expect(await failureOf(lateClient.contract.evaluateTransaction('get', 'k'))).toMatchObject({
      code: status.UNAVAILABLE,
      details: expect.arrayContaining([expect.objectContaining({ message: 'proposal client identity expired' })]),
    });
  });
});

describe('a peer refuses what it has seen', () => {
  it('a proposal whose transaction is already in the ledger', async () => {
    const proposal = client.contract.newProposal('put', { arguments: ['once', 'x'] });
    const transaction = await proposal.endorse();
    await (await transaction.submit()).getStatus();
    const failure = await failureOf(proposal.endorse());
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.details[0]?.message).toContain(`duplicate transaction found [${proposal.getTransactionId()}]`);
  });

  it('to commit a replayed envelope twice, and answers for the first', async () => {
    const transaction = await client.contract.newProposal('put', { arguments: ['replayed', 'x'] }).endorse();
    const first = await (await transaction.submit()).getStatus();
    const height = network.ledgers.get('HospitalAMSP')?.height() ?? 0;
    const again = await (await transaction.submit()).getStatus();
    expect(again).toEqual(first);
    await client.contract.submitTransaction('put', 'after', 'x');
    const block = await client.qscc.evaluateTransaction('GetBlockByNumber', 'medledger', String(height));
    expect(Buffer.from(block).includes(Buffer.from(transaction.getTransactionId()))).toBe(true);
  });
});

describe('a peer refuses what it does not know', () => {
  it('a chaincode that is not defined', async () => {
    const contract = client.network.getContract('other');
    expect(await failureOf(contract.evaluateTransaction('get'))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: 'no peers available to evaluate chaincode other in channel medledger',
    });
    expect(await failureOf(contract.submitTransaction('put'))).toMatchObject({
      code: status.FAILED_PRECONDITION,
      message: expect.stringContaining('No metadata was found for chaincode other in channel medledger'),
    });
  });

  it('a channel that is not there', async () => {
    const contract = client.gateway.getNetwork('other').getContract('medledger');
    expect(await failureOf(contract.evaluateTransaction('get'))).toMatchObject({ code: status.UNAVAILABLE });
    expect(await failureOf(contract.submitTransaction('put'))).toMatchObject({ code: status.FAILED_PRECONDITION });
  });

  it('an envelope that somebody else signed', async () => {
    const transaction = await client.contract.newProposal('put', { arguments: ['stolen', 'x'] }).endorse();
    const other = await network.client('HospitalAMSP');
    const unsigned = other.gateway.newTransaction(transaction.getBytes());
    const signed = other.gateway.newSignedTransaction(unsigned.getBytes(), Buffer.from('3006020101020101', 'hex'));
    expect(await failureOf(signed.submit())).toMatchObject({
      code: status.ABORTED,
      message: expect.stringMatching(/^received unsuccessful response from orderer: status=FORBIDDEN, info=/),
    });
  });

  it('to say what became of a transaction to whoever cannot sign for the identity in the request', async () => {
    const submitted = await client.contract.submitAsync('put', { arguments: ['asked', 'x'] });
    await submitted.getStatus();
    const forged = client.gateway.newSignedCommit(submitted.getBytes(), Buffer.from('3006020101020101', 'hex'));
    expect(await failureOf(forged.getStatus())).toMatchObject({ code: status.PERMISSION_DENIED });
  });
});

describe('a peer refuses, because the orderer does,', () => {
  it('a transaction that the orderer cannot write', async () => {
    const transaction = await client.contract.newProposal('put', { arguments: ['lost', 'x'] }).endorse();
    network.orderer.failure = new Error('disk full');
    try {
      expect(await failureOf(transaction.submit())).toMatchObject({
        code: status.UNAVAILABLE,
        message: 'no orderers could successfully process transaction',
        details: [{ address: 'orderer', mspId: 'OrdererMSP', message: 'disk full' }],
      });
    } finally {
      network.orderer.failure = undefined;
    }
    const commit = await (await transaction.submit()).getStatus();
    expect(commit.code).toBe(peer.TxValidationCode.VALID);
  });
});
