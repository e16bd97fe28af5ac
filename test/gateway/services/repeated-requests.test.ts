import { randomBytes } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { toBase64url } from '@medledger/chaincode/domain';
import { generateHpkeKeyPair } from '../../../gateway/custody/hpke.js';
import type { UnlockedIdentity } from '../../../gateway/identity/member-keys.js';
import type { LedgerChain } from '../../../gateway/ledger/chain.js';
import { createAccessRequests } from '../../../gateway/services/access-requests.js';
import { addRecords } from '../../../gateway/services/add-records.js';
import { createGrants } from '../../../gateway/services/grants.js';
import type { Caller } from '../../../gateway/services/medledger.js';
import type { PlainRecord } from '../../../gateway/services/seal-records.js';

const PATIENT = 'p-1';
const UNTIL_MS = Date.UTC(2030, 0, 1);
const idSecret = randomBytes(32);
const identity = {
  memberId: PATIENT,
  mspId: 'HospitalAMSP',
  signStatement: async () => new Uint8Array(64),
} as unknown as UnlockedIdentity;
const caller: Caller = { memberId: PATIENT, role: 'patient', sessionId: 's' };
const REQUEST = {
  requestId: `q${'1'.repeat(32)}`,
  patientId: PATIENT,
  requesterId: 'nurse-a',
  actions: ['read'],
  scope: {},
  purpose: 'TREAT',
  untilMs: UNTIL_MS,
};

/** Takes everything, and remembers what it was sent. */
function chainOf(sent: object[]): LedgerChain {
  return {
    channel: 'medledger',
    transact: async ({ business }: { business: object }) => {
      sent.push(business);
      return { transactionId: 'tx', blockNumber: 1, answer: { outcome: { outcome: 'permit' } } };
    },
    query: async () => REQUEST,
  } as unknown as LedgerChain;
}

describe('one Idempotency-Key, two requests', () => {
  it('gives records of other contents another place, and the same contents the same one', async () => {
    const setIds: string[] = [];
    const doors = ['A', 'B', 'C'].map((mspId) => ({
      mspId,
      custodianKey: toBase64url(generateHpkeKeyPair().publicKey),
      depositShares: async () => undefined,
      releaseShares: () => Promise.reject(new Error('not asked')),
    }));
    const add = async (content: string, change: Partial<PlainRecord> = {}) => {
      const sent: object[] = [];
      const ports = {
        chain: chainOf(sent),
        custodians: () => doors,
        storeCiphertexts: async () => [`b${'a'.repeat(58)}`],
        onMissedDeposit: () => undefined,
        idSecret,
      };
      const record: PlainRecord = {
        class: 'DocumentReference',
        label: 'N',
        dateMs: 0,
        contentType: 'text/plain',
        content: Buffer.from(content),
        ...change,
      };
      const patientId = PATIENT as Parameters<typeof addRecords>[1]['patientId'];
      await addRecords(ports, { identity, patientId, purpose: 'PATRQT', records: [record], key: 'profile' });
      setIds.push(...sent.map((business) => String(Reflect.get(business, 'setId'))));
    };
    await add('a profile');
    await add('a rash');
    await add('a rash', { contentType: 'text/html' });
    await add('a rash', { dateMs: 1 });
    expect(new Set(setIds.slice(0, 3)).size).toBe(3);
    expect(setIds[3]).toBe(setIds[1]);
  });

  it('gives a grant, another grant and an approval different ids', async () => {
    const sent: object[] = [];
    const chain = chainOf(sent);
    const ports = { chain, keysOf: () => identity, nowMs: () => 0, idSecret };
    const { giveGrant } = createGrants(ports);
    const unused = () => Promise.reject(new Error('not asked'));
    const { approveRequest } = createAccessRequests({ ...ports, storeCiphertexts: unused, fetchCiphertext: unused });
    const give = (id: string) =>
      giveGrant(caller, {
        patientId: PATIENT,
        grant: {
          grantee: { kind: 'person', id },
          actions: ['read'],
          scope: {},
          purpose: 'TREAT',
          untilMs: UNTIL_MS,
        },
        idempotencyKey: 'k',
      });
    const approve = (untilMs?: number) =>
      approveRequest(caller, {
        requestId: REQUEST.requestId,
        ...(untilMs === undefined ? {} : { untilMs }),
        idempotencyKey: 'k',
      });
    const first = await give('doctor-a');
    const ids = [first, await give('nurse-a'), await approve(), await approve(UNTIL_MS - 1)].map((one) => one.grantId);
    expect(new Set(ids).size).toBe(4);
    expect((await give('doctor-a')).grantId).toBe(first.grantId);
    expect(sent).toHaveLength(5);
  });
});
