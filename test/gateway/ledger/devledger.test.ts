import { randomBytes } from 'node:crypto';
import {
  type Agency,
  canonicalJson,
  firstHead,
  type MemberId,
  type PatientId,
  patientGenesis,
  patientIdOf,
  type Purpose,
  recordDigest,
  recordIdOf,
  recordSetStatement,
  type SetId,
  statementBytes,
  tipOf,
  toBase64url,
} from '@medledger/chaincode/domain';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLedgerChain, type LedgerChain } from '../../../gateway/ledger/chain.js';
import { creatorSigned } from '../../../gateway/ledger/envelope-signature.js';
import type { LaneActor } from '../../../gateway/ledger/lane-client.js';
import type { Ledger } from '../../../gateway/ledger/ledger.js';
import type { LedgerBlock } from '../../../gateway/ledger/ledger-block.js';
import { createNonceSolver } from '../../../gateway/ledger/nonce-solver.js';
import { NOTHING_NAMED } from '../../../gateway/services/statements.js';
import { makeOrganisation, randomId, signRegister, x25519PublicKey } from '../../support/chain-actor.js';
import { ProductNetwork } from './product-network.js';

const solver = createNonceSolver({ threads: 1 });
let network: ProductNetwork;
let ledger: Ledger;
let chain: LedgerChain;
let admin: LaneActor;
let patient: Awaited<ReturnType<ProductNetwork['enrol']>>;
let patientId: PatientId;

beforeAll(async () => {
  network = await ProductNetwork.start();
  ledger = network.open();
  chain = createLedgerChain({ ledger, solver });
  admin = await network.enrol('HospitalAMSP', { role: 'admin', memberIdFor: () => 'admin-a' });
  await ledger.submit(admin, 'members:bootstrap', [canonicalJson({ register: signedRegister() }), '']);
});
afterAll(async () => {
  await solver.close();
  await network.stop();
});

function signedRegister() {
  const organisations = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'].map(makeOrganisation);
  const member = {
    memberId: admin.memberId as MemberId,
    role: 'admin' as const,
    organisation: 'HospitalAMSP' as Agency['organisation'],
    signingKey: toBase64url(admin.signingPublicKeySpki),
    encryptionKey: x25519PublicKey(),
    keyCustody: 'wallet' as const,
  };
  const entries = organisations.map(({ entry }) => entry);
  const document = { channel: 'medledger', version: 1, organisations: entries, agencies: [], members: [member] };
  return signRegister(document, organisations);
}

async function registerPatient(): Promise<void> {
  const salt = toBase64url(randomBytes(16));
  const memberIdFor = (spki: Uint8Array) => patientIdOf({ signingKey: toBase64url(spki), salt });
  const identity = await network.enrol('HospitalAMSP', { role: 'patient', memberIdFor });
  patient = identity;
  patientId = identity.memberId as PatientId;
  const signingKey = toBase64url(identity.signingPublicKeySpki);
  const encryptionKey = toBase64url(identity.encryptionPublicKey);
  const genesis = patientGenesis({ channel: 'medledger', patientId, signingKey, encryptionKey });
  await chain.transact({
    identity,
    name: 'members:registerPatient',
    patientId,
    business: { patientId, salt, signingKey, encryptionKey, keyCustody: 'wallet' },
    firstTip: tipOf(firstHead(genesis)),
  });
}

const setId = randomId<SetId>();
const stored = (index: number) => ({
  class: 'Observation',
  label: 'N' as const,
  dateMs: 1_700_000_000_000 + index,
  sha256: 'ab'.repeat(32),
  sizeBytes: 1000,
  cid: `b${'a'.repeat(58)}`,
  commitment: 'cd'.repeat(32),
});

describe('the product chaincode on the embedded ledger', () => {
  it('registers a patient, adds records, and opens 40 at once in at most 8 transactions', async () => {
    await registerPatient();
    const sets = await Promise.all(
      [setId, randomId<SetId>()].map(async (id) => {
        const records = Array.from({ length: 20 }, (_, index) => stored(index));
        const origin = { channel: 'medledger', patientId, authorId: patientId, setId: id };
        const text = recordSetStatement({ ...origin, digests: records.map(recordDigest) });
        const authorSignature = toBase64url(await patient.signStatement(statementBytes(text)));
        return { setId: id, records, authorSignature };
      }),
    );
    const business = { patientId, purpose: 'TREAT' as Purpose, sets };
    const added = await chain.transact({ identity: patient, name: 'records:addBatch', patientId, business });
    expect(added.answer.entry.sequence).toBe(1);
    const ids = sets.flatMap(({ setId: id, records }) => records.map((_, index) => recordIdOf(id, index)));
    const opened = await Promise.all(
      ids.map((recordId) => chain.open({ identity: patient, patientId, recordId, purpose: 'PATRQT' as Purpose })),
    );
    expect(opened.map(({ record }) => record?.recordId)).toEqual(ids);
    expect(new Set(opened.map(({ transactionId }) => transactionId)).size).toBeLessThanOrEqual(8);
  });

  it('shows a custodian the opening, signed by its creator, on the own peer', async () => {
    const recordId = recordIdOf(setId, 0);
    const opened = await chain.open({ identity: patient, patientId, recordId, purpose: 'PATRQT' as Purpose });
    const custodian = { ...admin };
    const status = await ledger.commitStatusOf(custodian, opened.transactionId);
    expect(status).toMatchObject({ validationCode: 'VALID', blockNumber: opened.blockNumber });
    const found = await ledger.transactionById(custodian, opened.transactionId);
    expect(found).toMatchObject({
      validationCode: 'VALID',
      transaction: 'access:open',
      creator: { memberId: patientId, mspId: 'HospitalAMSP' },
    });
    expect(found.endorserMspIds).toHaveLength(2);
    expect(creatorSigned(found)).toBe(true);
    const evidence = { patientId, memberId: patient.memberId as MemberId, ...NOTHING_NAMED };
    const answer = await chain.query(custodian, 'consents:evidence', evidence, { ownPeerOnly: true });
    expect(answer.patient?.memberId).toBe(patientId);
  });

  it('streams the blocks, whose hashes link', async () => {
    const height = await ledger.height(admin);
    const blocks: LedgerBlock[] = [];
    const stopping = new AbortController();
    for await (const block of ledger.blocks({ identity: admin, startBlock: 0, signal: stopping.signal })) {
      blocks.push(block);
      if (blocks.length === height) stopping.abort();
    }
    for (const [index, { previousHash }] of blocks.entries())
      expect(previousHash).toBe(index === 0 ? '' : blocks[index - 1]?.headerHash);
    const transactions = blocks.flatMap((block) => block.transactions);
    expect(transactions[0]?.kind).toBe('config');
    const registration = transactions.find(({ transaction }) => transaction === 'members:registerPatient');
    expect(registration?.writes.map(({ key }) => key)).toContain(`member~${patientId}`);
  });
});

describe('a restart of the embedded ledger', () => {
  it('in the middle of transactions loses none and breaks no lane', async () => {
    const recordId = recordIdOf(setId, 1);
    const open = () => chain.open({ identity: patient, patientId, recordId, purpose: 'PATRQT' as Purpose });
    const running = [open(), open()];
    await new Promise((resolve) => setTimeout(resolve, 15));
    await network.stopLedger();
    running.push(open());
    await network.startLedger();
    const done = await Promise.all(running);
    expect(done.every(({ item }) => item.outcome === 'permit')).toBe(true);
    const { head } = await chain.query(patient, 'audit:head', { patientId });
    const verified = await chain.query(patient, 'audit:verifyLane', {
      patientId,
      memberId: patient.memberId as MemberId,
    });
    expect(verified).toEqual({ status: 'ok', entries: head.sequence });
  });
});
