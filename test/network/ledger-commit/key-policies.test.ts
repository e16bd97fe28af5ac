import { peer } from '@hyperledger/fabric-protos';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { rebuildPeer } from '../../../network/devledger/store/rebuild-peer.js';
import { verifyPeer } from '../../../network/devledger/store/verify-peer.js';
import { CHAINCODE, createNetwork, peerOptions, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { keyPolicy, simulated } from '../ledger-private.js';
import { openTestPeer, type TestPeer, type TransactionSpec } from '../ledger-transactions.js';

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
  await ledger.commit({
    writes: [
      ['k', 'first'],
      ['other', 'first'],
    ],
  });
});
afterEach(async () => {
  await ledger.close();
  await folder.remove();
});

const HOSPITAL_B = 1;
const write = (key: string, ...endorsers: number[]): TransactionSpec => ({
  writes: [[key, 'later']],
  ...(endorsers.length === 0 ? {} : { endorsers: endorsers.flatMap((index) => network.peers[index] ?? []) }),
});
const setPolicy = (key: string, mspIds: readonly string[], spec: TransactionSpec = {}): TransactionSpec =>
  simulated(keyPolicy(key, mspIds), spec).spec;

describe('a key-level policy that changes in a block', () => {
  it('makes later writes of the key in that block invalid, and no others', async () => {
    const codes = await ledger.commit(
      write('k'),
      setPolicy('k', ['HospitalBMSP']),
      write('k', 0, HOSPITAL_B),
      write('other'),
    );
    expect(codes).toEqual([Code.VALID, Code.VALID, Code.ENDORSEMENT_POLICY_FAILURE, Code.VALID]);
    expect(await ledger.commit(write('k'), write('k', HOSPITAL_B))).toEqual([Code.VALID, Code.VALID]);
    expect(await ledger.commit(write('k', 0, 2))).toEqual([Code.ENDORSEMENT_POLICY_FAILURE]);
  });

  it('counts though the change itself conflicts with another transaction, but not when nobody endorsed it', async () => {
    const stale = simulated((record) => {
      keyPolicy('k', ['HospitalBMSP'])(record);
      record.namespace(CHAINCODE).reads.set('other', undefined);
    }).spec;
    expect(await ledger.commit(stale, write('k'))).toEqual([Code.MVCC_READ_CONFLICT, Code.ENDORSEMENT_POLICY_FAILURE]);
    const unendorsed = setPolicy('k', ['HospitalBMSP'], { endorsers: [] });
    expect(await ledger.commit(unendorsed, write('k'))).toEqual([Code.ENDORSEMENT_POLICY_FAILURE, Code.VALID]);
  });

  it('has no effect on a key that was deleted before it in the block, where peers of Fabric stop', async () => {
    const deletion: TransactionSpec = { writes: [['k', undefined]] };
    expect(await ledger.commit(deletion, setPolicy('k', ['HospitalBMSP']))).toEqual([Code.VALID, Code.VALID]);
    expect(await ledger.commit(write('k', 0, 2))).toEqual([Code.VALID]);
  });

  it('is satisfied by nobody when it is no policy', async () => {
    const nonsense = simulated((record) => {
      const entries = new Map([['VALIDATION_PARAMETER', Buffer.from('nonsense')]]);
      record.namespace(CHAINCODE).metadataWrites.set('k', entries);
    }).spec;
    expect(await ledger.commit(nonsense)).toEqual([Code.VALID]);
    expect(await ledger.commit(write('k', 0, 1, 2))).toEqual([Code.ENDORSEMENT_POLICY_FAILURE]);
  });

  it('is there again after a rebuild, and every check agrees with it', async () => {
    await ledger.commit(setPolicy('k', ['HospitalBMSP']));
    await ledger.commit(write('k', HOSPITAL_B), write('k'));
    const hash = ledger.ledger.commitHash();
    await ledger.close();
    const options = peerOptions(network, folder.path);
    const rules = { ...options, signatures: network.signatureCache };
    expect((await verifyPeer(options, rules)).findings).toEqual([]);
    await rebuildPeer(options);
    ledger = await openTestPeer(network, folder.path);
    expect(ledger.ledger.commitHash()).toEqual(hash);
    expect(await ledger.commit(write('k', 0, 2))).toEqual([Code.ENDORSEMENT_POLICY_FAILURE]);
  });
});
