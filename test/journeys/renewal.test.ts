import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Member, signUp } from '../support/member.js';
import { runVerb, verbJson } from '../support/network-verb.js';
import { LEDGER, type RunningNetwork, runNetwork } from '../support/running-network.js';
import { lostOf, steadyLoad } from '../support/steady-load.js';

/** More than the two years that certificates of services are made for, less than the twenty of authorities. */
const ALL_SERVICES_DAYS = '800';
const PAST_AUTHORITIES_DAYS = '8000';
const MSP_IDS = ['HospitalAMSP', 'HospitalBMSP', 'GovernmentMSP'];
const CHECKED_MAX = 20;
/** What a client sees of a gateway that is being started again: nothing, or that it is closing. */
const GATEWAY_AWAY = /fetch failed|: 503 |sign-in of .*: 503/;

interface Status {
  readonly certificates: { readonly host: string; readonly endsAt: string };
  readonly warnings: readonly string[];
  readonly processes: Readonly<Record<string, number>>;
}

let network: RunningNetwork;
let patients: readonly Member[];

const onNetwork = (...args: string[]) => [...args, '--data', network.dataDir];
const statusOf = () => verbJson<Status>(...onNetwork('status'));

beforeAll(async () => {
  network = await runNetwork();
  patients = await Promise.all(MSP_IDS.map((mspId) => signUp(network.gatewayUrl(mspId))));
});

afterAll(async () => {
  await network?.stop();
  network?.remove();
});

describe('certificates that end within the time', () => {
  it('none: nothing is restarted', async () => {
    const before = await statusOf();
    expect(before.warnings).toEqual([]);
    expect(await verbJson(...onNetwork('renew'))).toMatchObject({ renewed: [] });
    expect((await statusOf()).processes).toEqual(before.processes);
  });

  it('of one organisation: its processes get new ones while the network takes additions', async () => {
    const before = await statusOf();
    // Nobody's additions go through the gateway of this one, and on Fabric the orderers have no gateway at all.
    const mspId = LEDGER === 'fabric' ? 'OrdererMSP' : 'InsurerMSP';
    const owner = LEDGER === 'fabric' ? /^orderer/ : /^gateway-insurer$/;
    const load = steadyLoad(patients);
    const { renewed } = await verbJson<{ renewed: string[] }>(
      ...onNetwork('renew', '--org', mspId, '--within', ALL_SERVICES_DAYS),
    );
    const { added, failures } = await load.stop();
    expect(renewed).toHaveLength(Object.keys(before.processes).filter((name) => owner.test(name)).length);
    expect(failures.slice(0, 5)).toEqual([]);
    expect(added.length).toBeGreaterThan(0);
    const { processes } = await statusOf();
    const changed = Object.keys(processes).filter((name) => processes[name] !== before.processes[name]);
    expect(changed).toEqual(Object.keys(processes).filter((name) => owner.test(name)));
  });

  it('of everybody: what fails meets a gateway that is being started again, and nothing acknowledged is lost', async () => {
    const before = await statusOf();
    const load = steadyLoad(patients);
    const { renewed } = await verbJson<{ renewed: string[] }>(...onNetwork('renew', '--within', ALL_SERVICES_DAYS));
    const result = await load.stop();
    const nodes = LEDGER === 'fabric' ? ['orderer.medledger.example', 'peer0.hospital-a.medledger.example'] : [];
    expect(renewed).toEqual(expect.arrayContaining([...nodes, 'gateway.hospital-a.medledger.example']));
    expect(result.failures.filter((failure) => !GATEWAY_AWAY.test(failure)).slice(0, 5)).toEqual([]);
    expect(result.added.length).toBeGreaterThan(0);
    expect(await lostOf({ added: result.added.slice(-CHECKED_MAX) })).toEqual([]);
    const after = await statusOf();
    expect(Date.parse(after.certificates.endsAt)).toBeGreaterThan(Date.parse(before.certificates.endsAt));
  });

  it('the authority itself: refused before anything is done', async () => {
    const before = await statusOf();
    const { status, stderr } = await runVerb(...onNetwork('renew', '--within', PAST_AUTHORITIES_DAYS));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^AUTHORITY_ENDS: the authority .* itself ends on /m)]);
    expect(await statusOf()).toEqual(before);
  });

  it('of an organisation that is none: refused', async () => {
    const { status, stderr } = await runVerb(...onNetwork('renew', '--org', 'NobodyMSP'));
    expect([status, stderr]).toEqual([1, expect.stringContaining('ORGANISATION_INVALID: NobodyMSP')]);
  });

  it('the network starts again with them', async () => {
    const { dataDir, portBase } = network;
    await network.stop();
    network = await runNetwork({ dataDir, portBase });
    expect((await statusOf()).warnings).toEqual([]);
  });
});
