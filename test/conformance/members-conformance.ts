import { generateKeyPairSync } from 'node:crypto';
import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { status } from '@grpc/grpc-js';
import { common } from '@hyperledger/fabric-protos';
import { issueCertificate } from '../../network/identities/certificate.js';
import { authorityPaths, organisationFolder, readIdentity, readPeerIdentity } from '../../network/identities/index.js';
import { issuerOf, readKeyPair } from '../../network/identities/key-pair.js';
import { enrol, failureOf, type Member } from '../network/ledger-front/front-client.js';
import { take } from './committed-blocks.js';
import { organisationOf, peerOrganisationOf } from './conformance-members.js';
import { HOSPITAL_A, HOSPITAL_B, type LedgerUnderTest } from './ledger-under-test.js';
import { orderersSaid } from './orderer-answers.js';
import { calls, connectMember, type MemberClient, useMember } from './member-client.js';
import { seek } from './raw-calls.js';

/** What a member may do by the role in the certificate, and once the certificate has ended or was taken back. */
export function describeMembers(ledger: () => LedgerUnderTest): void {
  describeRoles(ledger);
  describeEnded(ledger);
  describeRevoked(ledger);
}

function describeRoles(ledger: () => LedgerUnderTest): void {
  describe('a certificate', () => {
    const reader = useMember(ledger, HOSPITAL_A);

    it('of an administrator proposes, and reads blocks', async () => {
      await as(ledger(), adminOf(ledger()), async (client) => {
        expect((await client.submit(calls('put admin x'))).code).toBe(0);
        expect(await deliverStatus(client, ledger())).toBe(common.Status.SUCCESS);
      });
    });

    it('of a peer reads blocks, and does not propose', async () => {
      await as(ledger(), peerOf(ledger()), async (client) => {
        expect(await deliverStatus(client, ledger())).toBe(common.Status.SUCCESS);
        const failure = await failureOf(client.endorse(calls('put peer x')));
        expect(failure.code).toBe(status.ABORTED);
        expect(failure.details[0]?.message).toMatch(
          /^failed evaluating policy on signed data during check policy \[\/Channel\/Application\/Writers\]: \[/,
        );
        expect((await failureOf(client.evaluate(calls('get k')))).code).toBe(status.FAILED_PRECONDITION);
      });
    });

    it.each([
      { name: 'that names no role', unit: undefined },
      { name: 'that names a role nobody has', unit: 'visitor' },
    ])('$name is nobody’s', async ({ unit }) => {
      const member = await withUnit(ledger(), unit);
      await as(ledger(), member, async (client) => {
        const denied = `error validating proposal: access denied: channel [${ledger().topology.channel}] creator org [${HOSPITAL_A}]`;
        expect((await failureOf(client.endorse(calls('put k v')))).details).toMatchObject([{ message: denied }]);
        expect(await deliverStatus(client, ledger())).toBe(common.Status.FORBIDDEN);
      });
      expect(await deliverStatus(reader(), ledger())).toBe(common.Status.SUCCESS);
    });
  });
}

function describeEnded(ledger: () => LedgerUnderTest): void {
  describe('once a certificate has ended', () => {
    const reader = useMember(ledger, HOSPITAL_A);

    it('nothing is proposed or submitted with it and no blocks are given; what became of its transactions is told', async () => {
      const organisation = organisationOf(ledger().topology, HOSPITAL_A);
      const startedMs = Date.now();
      await reader().submit(calls('put before x'));
      // As long as several of what is done before it ends take on this machine.
      const notAfterMs = Date.now() + 3_000 + 10 * (Date.now() - startedMs);
      const member = await enrol(ledger().dataDir, organisation, notAfterMs);
      await as(ledger(), member, async (client) => {
        const submitted = await (await client.endorse(calls('event ending x'))).submit();
        const { blockNumber } = await submitted.getStatus();
        const late = await client.endorse(calls('put late x'));
        // A certificate's times are whole seconds.
        await wait(notAfterMs + 1_000 - Date.now());
        for (const said of orderersSaid(await failureOf(late.submit()))) {
          expect(said).toMatch(
            /^received unsuccessful response from orderer: status=(FORBIDDEN|BAD_REQUEST), info=.*expired/,
          );
        }
        expect(await failureOf(client.endorse(calls('put k v')))).toMatchObject({
          code: status.ABORTED,
          details: [{ mspId: HOSPITAL_A, message: 'proposal client identity expired' }],
        });
        const asked = await failureOf(client.evaluate(calls('get k')));
        expect(asked.code).toBe(status.UNAVAILABLE);
        expect(asked.details.map(({ message }) => message.replace(/^rpc error: code = Unknown desc = /, ''))).toEqual(
          Array.from({ length: 3 }, () => 'proposal client identity expired'),
        );
        expect(await deliverStatus(client, ledger())).toBe(common.Status.FORBIDDEN);
        expect(await submitted.getStatus()).toMatchObject({ blockNumber });
        const events = await client.network.getChaincodeEvents(ledger().topology.chaincode.name, {
          startBlock: blockNumber,
        });
        expect(await take(events, 1)).toMatchObject([{ eventName: 'ending' }]);
        events.close();
      });
    });
  });
}

function describeRevoked(ledger: () => LedgerUnderTest): void {
  describe('once a certificate was taken back', () => {
    const honest = useMember(ledger, HOSPITAL_A);

    it('no events and no statuses are told to who holds it', async () => {
      await as(ledger(), ledger().revoked, async (client) => {
        const events = await client.network.getChaincodeEvents(ledger().topology.chaincode.name);
        expect((await failureOf(take(events, 1))).code).toBe(status.PERMISSION_DENIED);
      });
    });

    it('an orderer takes nothing from who holds it', async () => {
      const prepared = (await honest().endorse(calls('put stolen x'))).getBytes();
      await as(ledger(), ledger().revoked, async (client) => {
        const failure = await failureOf(client.gateway.newTransaction(prepared).submit());
        for (const said of orderersSaid(failure)) {
          expect(said).toMatch(/^received unsuccessful response from orderer: status=FORBIDDEN, info=/);
        }
      });
    });
  });

  describe('another organisation’s peer, that the client names,', () => {
    const client = useMember(ledger, HOSPITAL_A);

    it('has its refusals wrapped by the peer that was asked', async () => {
      const proposal = client().contract.newProposal('run', {
        arguments: [JSON.stringify(calls('put wrapped x'))],
        endorsingOrganizations: [HOSPITAL_A, HOSPITAL_B],
      });
      await (await (await proposal.endorse()).submit()).getStatus();
      await client().submit(calls('put settle x'));
      const duplicate = `duplicate transaction found [${proposal.getTransactionId()}]. Creator [`;
      const failure = await failureOf(proposal.endorse());
      expect(failure.code).toBe(status.ABORTED);
      const said = Object.fromEntries(failure.details.map(({ mspId, message }) => [mspId, message]));
      expect(said[HOSPITAL_A]).toContain(duplicate);
      expect(said[HOSPITAL_A]).not.toContain('rpc error');
      expect(said[HOSPITAL_B]).toMatch(/^rpc error: code = Unknown desc = duplicate transaction found \[/);
    });
  });
}

async function as(
  ledger: LedgerUnderTest,
  member: Member,
  use: (client: MemberClient) => Promise<void>,
): Promise<void> {
  const client = await connectMember(ledger, HOSPITAL_A, { member });
  try {
    await use(client);
  } finally {
    client.close();
  }
}

async function deliverStatus(client: MemberClient, { topology }: LedgerUnderTest): Promise<number | undefined> {
  return (await seek(client, 'Deliver', { start: 0, stop: 0, channel: topology.channel })).status;
}

function adminOf(ledger: LedgerUnderTest): Member {
  const { domain } = organisationOf(ledger.topology, HOSPITAL_A);
  return memberOf(readIdentity(ledger.dataDir, domain, 'Admin'));
}

function peerOf(ledger: LedgerUnderTest): Member {
  const { domain, peer } = peerOrganisationOf(ledger.topology, HOSPITAL_A);
  return memberOf(readPeerIdentity(ledger.dataDir, domain, peer.host));
}

function memberOf(identity: ReturnType<typeof readIdentity>): Member {
  const { mspId, certificatePem, privateKey } = identity;
  return { identity: { mspId, credentials: Buffer.from(certificatePem) }, privateKey };
}

/** A certificate of the organisation's own authority, with any organisational unit. */
async function withUnit(ledger: LedgerUnderTest, unit: string | undefined): Promise<Member> {
  const { domain } = organisationOf(ledger.topology, HOSPITAL_A);
  const authority = readKeyPair(authorityPaths(organisationFolder(ledger.dataDir, domain), domain, 'ca'));
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const { pem } = await issueCertificate({
    subject: { commonName: 'somebody', ...(unit === undefined ? {} : { unit }) },
    publicKeySpki: publicKey.export({ format: 'der', type: 'spki' }),
    issuer: issuerOf(authority, { organisation: domain, commonName: `ca.${domain}` }),
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + 600_000,
    use: { kind: 'signer' },
  });
  return { identity: { mspId: HOSPITAL_A, credentials: Buffer.from(pem) }, privateKey };
}
