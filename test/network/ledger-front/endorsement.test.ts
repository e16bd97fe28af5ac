import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { common, gateway, msp, peer } from '@hyperledger/fabric-protos';
import { decode, failureOf, type MemberClient } from './front-client.js';
import { type FrontNetwork, startFrontNetwork } from './front-network.js';

const BROKEN = 'CHAIN_BROKEN: entry 3 of the lane';
const MISMATCH = 'ProposalResponsePayloads do not match';

/** Hospital B's chaincode answers differently from the other two, and finds its lanes broken. */
let network: FrontNetwork;
let hospitalA: MemberClient;
let hospitalB: MemberClient;

beforeAll(async () => {
  network = await startFrontNetwork({ env: { HospitalBMSP: { ANSWER_SUFFIX: '!', REFUSE_WITH: BROKEN } } });
  hospitalA = await network.client('HospitalAMSP');
  hospitalB = await network.client('HospitalBMSP');
});

afterAll(() => network.stop());

describe('endorsement by several organisations', () => {
  it('takes the local peer and one other', async () => {
    for (let round = 0; round < 4; round += 1) {
      const transaction = await hospitalA.contract.newProposal('put', { arguments: ['e', String(round)] }).endorse();
      const mspIds = endorsersOf(transaction.getBytes());
      expect(mspIds).toHaveLength(2);
      expect(mspIds[0]).toBe('HospitalAMSP');
    }
  });

  it('takes exactly the organisations named', async () => {
    const endorsingOrganizations = ['GovernmentMSP', 'HospitalBMSP'];
    const proposal = hospitalA.contract.newProposal('put', { arguments: ['e', 'named'], endorsingOrganizations });
    expect(endorsersOf((await proposal.endorse()).getBytes())).toEqual(endorsingOrganizations);
  });

  it('goes on to the third organisation when the second differs', async () => {
    for (let round = 0; round < 4; round += 1) {
      const transaction = await hospitalA.contract.newProposal('differ', { arguments: ['d'] }).endorse();
      expect(endorsersOf(transaction.getBytes())).toEqual(['HospitalAMSP', 'GovernmentMSP']);
    }
  });

  it('goes on to the third organisation when the second refuses', async () => {
    for (let round = 0; round < 4; round += 1) {
      const transaction = await hospitalA.contract.newProposal('refuse', { arguments: ['r'] }).endorse();
      expect(endorsersOf(transaction.getBytes())).toEqual(['HospitalAMSP', 'GovernmentMSP']);
    }
  });
});

describe('endorsement when the local peer is the odd one', () => {
  it('fails when it is the local peer that differs, naming both others', async () => {
    const failure = await failureOf(hospitalB.contract.submitTransaction('differ', 'd'));
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.message).toBe(
      'failed to collect enough transaction endorsements, see attached details for more info',
    );
    expect(failure.details.map(({ mspId, message }) => [mspId, message]).sort()).toEqual([
      ['GovernmentMSP', MISMATCH],
      ['HospitalAMSP', MISMATCH],
    ]);
  });

  it('fails when it is the local peer that refuses, and works with the others named', async () => {
    const failure = await failureOf(hospitalB.contract.submitTransaction('refuse', 'r'));
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.details).toEqual([
      expect.objectContaining({ mspId: 'HospitalBMSP', message: `chaincode response 500, ${BROKEN}` }),
    ]);
    const named = await hospitalB.contract.submit('refuse', {
      arguments: ['r'],
      endorsingOrganizations: ['HospitalAMSP', 'GovernmentMSP'],
    });
    expect(decode(named)).toBe('accepted');
  });
});

describe('endorsement by organisations that the client names', () => {
  it('fails when organisations named differ', async () => {
    const failure = await failureOf(
      hospitalA.contract.submit('differ', {
        arguments: ['d'],
        endorsingOrganizations: ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'],
      }),
    );
    expect(failure).toMatchObject({
      code: status.ABORTED,
      details: [{ mspId: 'HospitalBMSP', message: MISMATCH }],
    });
  });

  it('cannot name an organisation without a peer', async () => {
    const failure = await failureOf(
      hospitalA.contract.submit('put', { arguments: ['e', 'x'], endorsingOrganizations: ['InsurerMSP'] }),
    );
    expect(failure).toMatchObject({
      code: status.UNAVAILABLE,
      message: 'failed to find any endorsing peers for org(s): InsurerMSP',
    });
  });

  it('does not commit with one organisation too few', async () => {
    const transaction = await hospitalA.contract
      .newProposal('put', { arguments: ['alone', 'x'], endorsingOrganizations: ['HospitalAMSP'] })
      .endorse();
    const commit = await (await transaction.submit()).getStatus();
    expect(commit.code).toBe(peer.TxValidationCode.ENDORSEMENT_POLICY_FAILURE);
  });
});

describe('endorsement on state that is not what was committed', () => {
  it('notices that one peer’s state was changed', async () => {
    await hospitalA.contract.submitTransaction('put', 'tampered', '1');
    network.ledgers.get('HospitalAMSP')?.overwrite('medledger', 'tampered', '100');
    const failure = await failureOf(hospitalA.contract.submitTransaction('add', 'tampered', '1'));
    expect(failure.details.map(({ message }) => message)).toEqual([MISMATCH, MISMATCH]);
  });

  it('never endorses what a peer read from rotten state, even where the chaincode does not mind', async () => {
    await hospitalA.contract.submitTransaction('put', 'rotten', '1');
    network.ledgers.get('HospitalAMSP')?.corruptKeys.add('rotten');
    const failure = await failureOf(hospitalA.contract.submitTransaction('swallow', 'rotten'));
    expect(failure.code).toBe(status.ABORTED);
    expect(failure.details).toEqual([
      expect.objectContaining({
        mspId: 'HospitalAMSP',
        message: expect.stringMatching(
          /^error in simulation: failed to execute transaction [0-9a-f]{64}: STATE_CORRUPT:/,
        ),
      }),
    ]);
    // What is only evaluated binds nobody, and the chaincode may tell what it met: as on Fabric's own peers.
    expect(decode(await hospitalA.contract.evaluateTransaction('swallow', 'rotten'))).toBe('nothing there');
  });
});

describe('queries and peers out of service', () => {
  it('asks the organisation that a query names', async () => {
    const pids = await Promise.all(
      ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'].map(async (mspId) =>
        decode(await hospitalA.contract.evaluate('process', { endorsingOrganizations: [mspId] })),
      ),
    );
    expect(new Set(pids).size).toBe(3);
    expect(decode(await hospitalA.contract.evaluateTransaction('process'))).toBe(pids[0]);
  });

  it('leaves out a peer that was set aside, and says so to who waits on it', async () => {
    network.orderer.held = true;
    const submitted = await hospitalB.contract.submitAsync('put', { arguments: ['w', 'x'] });
    const waiting = failureOf(submitted.getStatus());
    const events = await hospitalB.network.getChaincodeEvents('medledger');
    const blocks = await hospitalB.network.getBlockEvents();
    const followers = [events, blocks].map((items) => failureOf(items[Symbol.asyncIterator]().next()));
    const reason = 'peer HospitalBMSP was set aside: its state is damaged';
    network.nodes.setAside('HospitalBMSP', reason);
    expect(await waiting).toMatchObject({ code: status.UNAVAILABLE, message: reason });
    for (const follower of followers) expect(await follower).toMatchObject({ code: status.UNAVAILABLE });
    expect(await failureOf(submitted.getStatus())).toMatchObject({ code: status.UNAVAILABLE, message: reason });
    const transaction = await hospitalB.contract.newProposal('put', { arguments: ['s', 'x'] }).endorse();
    expect(endorsersOf(transaction.getBytes()).sort()).toEqual(['GovernmentMSP', 'HospitalAMSP']);
    expect(decode(await hospitalB.contract.evaluateTransaction('get', 'e'))).toBe('');
  });
});

/** MSP ids of a prepared transaction's endorsements, in order. */
function endorsersOf(preparedTransaction: Uint8Array): string[] {
  const envelope = gateway.PreparedTransaction.deserializeBinary(preparedTransaction).getEnvelope();
  const payload = common.Payload.deserializeBinary(envelope?.getPayload_asU8() ?? new Uint8Array());
  const [action] = peer.Transaction.deserializeBinary(payload.getData_asU8()).getActionsList();
  const actionPayload = peer.ChaincodeActionPayload.deserializeBinary(action?.getPayload_asU8() ?? new Uint8Array());
  const endorsements = actionPayload.getAction()?.getEndorsementsList() ?? [];
  return endorsements.map((endorsement) =>
    msp.SerializedIdentity.deserializeBinary(endorsement.getEndorser_asU8()).getMspid(),
  );
}
