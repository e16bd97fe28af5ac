import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { peer } from '@hyperledger/fabric-protos';
import { enrol, failureOf, type Member } from '../network/ledger-front/front-client.js';
import { createAuthority } from '../network/ledger-support.js';
import { organisationOf } from './conformance-members.js';
import { HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { calls, committed, connectMember, useMember } from './member-client.js';
import { alteredProposal, endorseAt, type ProposalChange } from './signed-messages.js';

const { VALID } = peer.TxValidationCode;
const FIRST_FAILED = 'failed to endorse transaction, see attached details for more info';
const RETURNED = 'evaluate call to endorser returned error: ';
const UNKNOWN_CREATOR = 'creator org unknown, creator is malformed';
const MINUTE_MS = 60_000;

/** Whose proposals a peer takes, and when. */
export function describeProposals(ledger: () => LedgerUnderTest): void {
  describeStrangers(ledger);
  describeForgeries(ledger);
  describeTimeWindow(ledger);
  describeReplays(ledger);
}

function describeStrangers(ledger: () => LedgerUnderTest): void {
  describe('a proposal is refused', () => {
    it.each([
      {
        name: 'of an MSP that the channel does not know',
        who: unknownMsp,
        text: UNKNOWN_CREATOR,
      },
      { name: 'under another organisation’s name', who: impostor, text: UNKNOWN_CREATOR },
      {
        name: 'with a certificate of an authority that calls itself the organisation’s',
        who: foreign,
        text: UNKNOWN_CREATOR,
      },
      { name: 'with a certificate that was taken back', who: revoked, text: `creator org [${HOSPITAL_A}]` },
      { name: 'signed with another key', who: keyThief, text: `creator org [${HOSPITAL_A}]` },
    ])('$name', async ({ who, text }) => {
      const client = await connectMember(ledger(), HOSPITAL_A, { member: await who(ledger()) });
      const denied = `error validating proposal: access denied: channel [${ledger().topology.channel}] ${text}`;
      try {
        expect(await failureOf(client.evaluate(calls('get k')))).toMatchObject({
          code: status.FAILED_PRECONDITION,
          message: RETURNED + denied,
          details: [{ mspId: HOSPITAL_A, message: denied }],
        });
        expect(await failureOf(client.endorse(calls('put k v')))).toMatchObject({
          code: status.ABORTED,
          message: FIRST_FAILED,
          details: [{ mspId: HOSPITAL_A, message: denied }],
        });
      } finally {
        client.close();
      }
    });
  });
}

function describeForgeries(ledger: () => LedgerUnderTest): void {
  describe('a proposal is refused whose', () => {
    const client = useMember(ledger, HOSPITAL_A);

    const cases: readonly { name: string; change: ProposalChange; text: string | RegExp }[] = [
      {
        name: 'transaction id is not its own',
        change: { header: ({ channelHeader }) => channelHeader.setTxId('f'.repeat(64)) },
        text: /^error validating proposal: incorrectly computed txid 'f{64}' -- expected '[0-9a-f]{64}'$/,
      },
      {
        name: 'nonce is missing',
        change: { header: ({ signatureHeader }) => signatureHeader.setNonce('') },
        text: 'error validating proposal: nonce is empty',
      },
      {
        name: 'epoch is not zero',
        change: { header: ({ channelHeader }) => channelHeader.setEpoch(1) },
        text: 'error validating proposal: epoch is non-zero',
      },
      {
        name: 'type is another',
        change: { header: ({ channelHeader }) => channelHeader.setType(0) },
        text: 'error validating proposal: invalid header type MESSAGE',
      },
      {
        name: 'header names no chaincode',
        change: { header: ({ channelHeader }) => channelHeader.setExtension$('') },
        text: 'ChaincodeHeaderExtension.ChaincodeId is nil',
      },
      {
        name: 'header has a chaincode without a name',
        change: { header: ({ channelHeader }) => channelHeader.setExtension$(new Uint8Array([18, 0])) },
        text: 'ChaincodeHeaderExtension.ChaincodeId.Name is empty',
      },
      {
        name: 'signature has the higher of its two values of s',
        change: { sign: (message) => highS(client().member, message) },
        text: /access denied: channel \[\w+\] creator org \[HospitalAMSP\]$/,
      },
      {
        name: 'signature is no signature',
        change: { sign: () => Buffer.from('nonsense') },
        text: /access denied: channel \[\w+\] creator org \[HospitalAMSP\]$/,
      },
    ];
    it.each(cases)('$name', async ({ change, text }) => {
      const failure = await failureOf(alteredProposal(client(), calls('put k v'), change).endorse());
      expect(failure).toMatchObject({ code: status.ABORTED, message: FIRST_FAILED });
      expect(failure.details).toEqual([
        {
          mspId: HOSPITAL_A,
          address: expect.any(String),
          message: text instanceof RegExp ? expect.stringMatching(text) : text,
        },
      ]);
    });
  });
}

function describeTimeWindow(ledger: () => LedgerUnderTest): void {
  describe('a proposal is taken or refused by its time', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it.each([
      { name: 'almost two minutes old', offsetMs: -110_000 },
      { name: 'almost two minutes early', offsetMs: 110_000 },
    ])('$name: it is taken, and commits with that time', async ({ offsetMs }) => {
      const timestampMs = Date.now() + offsetMs;
      const key = `time${offsetMs}`;
      expect(await committed(client(), await endorseAt(client(), calls(`put ${key} x`), timestampMs))).toMatchObject({
        code: VALID,
      });
      const [changes] = await client().evaluate(calls(`history ${key}`));
      expect(changes).toMatchObject([{ timeMs: timestampMs }]);
    });

    it.each([
      { name: 'more than two minutes old', offsetMs: -2 * MINUTE_MS - 5_000 },
      { name: 'more than two minutes early', offsetMs: 2 * MINUTE_MS + 5_000 },
    ])('$name: it is refused', async ({ offsetMs }) => {
      const timestampMs = Date.now() + offsetMs;
      expect(await failureOf(endorseAt(client(), calls('put k v'), timestampMs))).toMatchObject({
        code: status.ABORTED,
        message: FIRST_FAILED,
        details: [
          { mspId: HOSPITAL_A, message: expect.stringMatching(/^request unauthorized due to incorrect timestamp/) },
        ],
      });
      expect(await failureOf(alteredProposal(client(), calls('get k'), { timestampMs }).evaluate())).toMatchObject({
        code: status.UNAVAILABLE,
        message: 'failed to evaluate transaction, see attached details for more info',
      });
    });
  });
}

function describeReplays(ledger: () => LedgerUnderTest): void {
  describe('a proposal whose transaction is in the ledger', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const insurer = useMember(ledger, INSURER);

    it('is refused, to be endorsed and to be evaluated', async () => {
      const proposal = client().contract.newProposal('run', { arguments: [JSON.stringify(calls('put once x'))] });
      await committed(client(), await proposal.endorse());
      const text = expect.stringMatching(
        `^duplicate transaction found \\[${proposal.getTransactionId()}\\]. Creator \\[[0-9a-f]+\\]$`,
      );
      expect(await failureOf(proposal.endorse())).toMatchObject({
        code: status.ABORTED,
        message: FIRST_FAILED,
        details: [{ mspId: HOSPITAL_A, message: text }],
      });
      expect(await failureOf(proposal.evaluate())).toMatchObject({
        code: status.FAILED_PRECONDITION,
        details: [{ mspId: HOSPITAL_A, message: text }],
      });
    });

    it('is endorsed again before it is in the ledger', async () => {
      const proposal = insurer().contract.newProposal('run', { arguments: [JSON.stringify(calls('put twice x'))] });
      await proposal.endorse();
      expect(await committed(client(), await proposal.endorse())).toMatchObject({ code: VALID });
    });
  });
}

async function honest(ledger: LedgerUnderTest): Promise<Member> {
  return enrol(ledger.dataDir, organisationOf(ledger.topology, HOSPITAL_A));
}

async function unknownMsp(ledger: LedgerUnderTest): Promise<Member> {
  return underName(await honest(ledger), 'NobodyMSP');
}

async function impostor(ledger: LedgerUnderTest): Promise<Member> {
  return underName(await honest(ledger), HOSPITAL_B);
}

async function foreign(): Promise<Member> {
  const { certificatePem, key } = await (await createAuthority(HOSPITAL_A)).issue('stranger');
  return { identity: { mspId: HOSPITAL_A, credentials: Buffer.from(certificatePem) }, privateKey: key };
}

async function revoked(ledger: LedgerUnderTest): Promise<Member> {
  return ledger.revoked;
}

async function keyThief(ledger: LedgerUnderTest): Promise<Member> {
  return { ...(await honest(ledger)), privateKey: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey };
}

function underName(member: Member, mspId: string): Member {
  return { ...member, identity: { ...member.identity, mspId } };
}

/** Order of the P-256 base point. */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

function highS(member: Member, message: Uint8Array): Uint8Array {
  const raw = sign('sha256', message, { key: member.privateKey, dsaEncoding: 'ieee-p1363' });
  const s = BigInt(`0x${raw.subarray(32).toString('hex')}`);
  const high = s > ORDER >> 1n ? s : ORDER - s;
  const integer = (hex: string) => {
    const bytes = Buffer.from(hex.padStart(64, '0'), 'hex');
    const first = bytes.findIndex((byte) => byte !== 0);
    const minimal =
      (bytes[first] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), bytes.subarray(first)]) : bytes.subarray(first);
    return Buffer.concat([Buffer.of(2, minimal.length), minimal]);
  };
  const body = Buffer.concat([integer(raw.subarray(0, 32).toString('hex')), integer(high.toString(16))]);
  return Buffer.concat([Buffer.of(0x30, body.length), body]);
}
