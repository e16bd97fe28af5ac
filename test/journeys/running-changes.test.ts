import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { addFile, giveGrant, open } from '../support/care.js';
import { type Member, send, signIn, signUp } from '../support/member.js';
import { runVerb, verbJson } from '../support/network-verb.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { type LoadResult, lostOf, steadyLoad } from '../support/steady-load.js';

const FOUNDERS = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
/** Opening each of them would take longer than adding them. */
const CHECKED_MAX = 30;

interface Status {
  readonly peers: readonly { readonly mspId: string; readonly height?: number; readonly lag?: number }[];
  readonly processes: Readonly<Record<string, number>>;
}

let network: RunningNetwork;
let patients: readonly Member[];

function fileOf(name: string, description: object): string {
  const path = join(network.dataDir, `${name}.json`);
  writeFileSync(path, JSON.stringify(description));
  return path;
}

function clinic(): object {
  const { portBase } = network;
  return {
    mspId: 'ClinicMSP',
    name: 'Clinic',
    domain: 'clinic.medledger.example',
    peer: { port: portBase + 5, chaincodePort: portBase + 6, operationsPort: portBase + 7 },
    gateway: { port: portBase + 4, internalPort: portBase + 8, vaultPort: portBase + 9 },
    agency: { agencyId: 'clinic', kind: 'hospital' },
    staff: [{ memberId: 'doctor-c', role: 'doctor' }],
  };
}

function payer(): object {
  const { portBase } = network;
  return {
    mspId: 'PayerMSP',
    name: 'Payer',
    domain: 'payer.medledger.example',
    through: 'HospitalBMSP',
    gateway: { port: portBase + 27, internalPort: portBase + 28, vaultPort: portBase + 29 },
  };
}

const onNetwork = (...args: string[]) => [...args, '--data', network.dataDir];
const addOrganisation = (file: string) =>
  verbJson<{ mspId: string; register: string; gatewayUrl: string; configSequence: number; endorsement: string }>(
    ...onNetwork('add-org', file),
  );
const statusOf = () => verbJson<Status>(...onNetwork('status'));

async function underLoad(change: () => Promise<void>, by: readonly Member[] = patients): Promise<LoadResult> {
  const load = steadyLoad(by);
  try {
    await change();
  } finally {
    await load.stop();
  }
  return load.stop();
}

async function expectKept(load: LoadResult): Promise<void> {
  expect(load.added.length).toBeGreaterThan(0);
  const checked = { added: load.added.slice(0, CHECKED_MAX) };
  expect(await lostOf(checked)).toEqual([]);
}

function describeOnFabric(): void {
  beforeAll(async () => {
    network = await runNetwork();
    patients = await Promise.all(FOUNDERS.map((mspId) => signUp(network.gatewayUrl(mspId))));
  });
  afterAll(async () => {
    await network?.stop();
    network?.remove();
  });
  describe('an organisation joins', describeJoining);
  describe('a peer is replaced', describeReplacing);
}

function describeJoining(): void {
  it('with a peer: no addition through the others fails meanwhile', async () => {
    const load = await underLoad(async () => {
      const added = await addOrganisation(fileOf('clinic', clinic()));
      expect(added).toMatchObject({ mspId: 'ClinicMSP', register: 'registered' });
      expect(added.endorsement).toBe('OutOf(2, HospitalAMSP, HospitalBMSP, GovernmentMSP)');
    });
    expect(load.failures).toEqual([]);
    await expectKept(load);
  });

  it('its gateway serves: a patient signs up there, and its doctor opens what it is granted', async () => {
    const gatewayUrl = `http://127.0.0.1:${network.portBase + 4}`;
    const patient = await signUp(gatewayUrl);
    const bytes = randomBytes(500);
    const { recordId } = await addFile(patient, patient.memberId, { bytes });
    const doctor = await signIn(network.credential('doctor-c'));
    expect((await open(doctor, recordId, 'TREAT')).status).toBe(403);
    await giveGrant(patient, { to: 'doctor-c' });
    const opened = await open(doctor, recordId, 'TREAT');
    expect(opened.bytes.equals(bytes)).toBe(true);
    const elsewhere = await signIn(network.credential('doctor-a'));
    await giveGrant(patient, { to: 'doctor-a' });
    expect((await open(elsewhere, recordId, 'TREAT')).bytes.equals(bytes)).toBe(true);
  });

  it('its peer has every block', async () => {
    const { peers, processes } = await statusOf();
    expect(peers.map(({ mspId, lag }) => [mspId, lag])).toContainEqual(['ClinicMSP', 0]);
    expect(Object.keys(processes)).toEqual(
      expect.arrayContaining(['peer-clinic', 'chaincode-clinic', 'gateway-clinic']),
    );
  });

  it('the same file again changes nothing', async () => {
    const before = await statusOf();
    const again = await addOrganisation(fileOf('clinic', clinic()));
    expect(again.register).toBe('was-registered');
    expect(again.configSequence).toBe(1);
    expect(await statusOf()).toEqual(before);
  });

  it('without a peer: through the peer of another, and a patient of theirs is served', async () => {
    const load = await underLoad(async () => {
      expect(await addOrganisation(fileOf('payer', payer()))).toMatchObject({ mspId: 'PayerMSP' });
    });
    expect(load.failures).toEqual([]);
    const patient = await signUp(`http://127.0.0.1:${network.portBase + 27}`);
    const bytes = randomBytes(500);
    const { recordId } = await addFile(patient, patient.memberId, { bytes });
    expect((await open(patient, recordId)).bytes.equals(bytes)).toBe(true);
  });

  it.each([
    { code: 'ORGANISATION_TAKEN', change: { name: 'Another Clinic' } },
    { code: 'ORGANISATION_INVALID', change: { mspId: '', domain: 'new.medledger.example' } },
    { code: 'ORGANISATION_INVALID', change: { mspId: 'NewMSP', domain: 'new.medledger.example', endorses: true } },
    { code: 'PORT_TAKEN', change: { mspId: 'NewMSP', domain: 'new.medledger.example' } },
  ])('$change is refused: $code', async ({ code, change }) => {
    const { status, stderr } = await runVerb(...onNetwork('add-org', fileOf('bad', { ...clinic(), ...change })));
    expect(status).toBe(1);
    expect(stderr.trimEnd().split('\n').at(-1)).toMatch(new RegExp(`^${code}: `));
  });
}

function describeReplacing(): void {
  it('from nothing: no addition through the others fails, and what was acknowledged is there', async () => {
    const others = patients.filter(({ gatewayUrl }) => gatewayUrl !== network.gatewayUrl('HospitalBMSP'));
    const load = await underLoad(async () => {
      const replaced = await verbJson<{ mspId: string; oldCertificates: string[] }>(
        ...onNetwork('replace-peer', '--org', 'HospitalBMSP'),
      );
      expect(replaced).toMatchObject({ mspId: 'HospitalBMSP' });
      expect(replaced.oldCertificates).toHaveLength(1);
    }, others);
    expect(load.failures).toEqual([]);
    await expectKept(load);
  });

  it('the organisation goes on with it: its gateway adds, and its custodian releases', async () => {
    const [, patient] = patients;
    if (patient === undefined) throw new Error('there is a patient of Hospital B');
    const bytes = randomBytes(500);
    const { recordId } = await addFile(patient, patient.memberId, { bytes });
    // Two of three release a key: with Hospital A's gone, the one of Hospital B is needed.
    await network.stopProcess('gateway-hospital-a');
    try {
      expect((await open(patient, recordId)).bytes.equals(bytes)).toBe(true);
    } finally {
      await network.startStopped();
    }
  });

  it('an organisation without a peer is refused', async () => {
    const { status, stderr } = await runVerb(...onNetwork('replace-peer', '--org', 'InsurerMSP'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('ORGANISATION_INVALID: InsurerMSP has no peer')]);
  });

  it('everybody is there after a restart', async () => {
    const { dataDir, portBase } = network;
    await network.stop();
    network = await runNetwork({ dataDir, portBase });
    const { peers } = await statusOf();
    expect(peers.map(({ mspId, lag }) => [mspId, lag])).toEqual([...FOUNDERS, 'ClinicMSP'].map((mspId) => [mspId, 0]));
    const reply = await send(`http://127.0.0.1:${portBase + 27}`, { method: 'GET', path: '/readyz' });
    expect(reply.status).toBe(200);
  });
}

if (LEDGER === 'fabric') describeOnFabric();
else it.skip('changes of a running network are for real Fabric: npm run test:fabric', () => undefined);
