import { describe, expect, it } from '@jest/globals';
import { localTopology } from '../../../network/topology.js';
import { type ComposeFile, composeFile, type ComposeService } from '../../../scripts/network/compose-file.js';
import { networkPlans } from '../../../scripts/start/network-plans.js';

const binaries = { folder: '', peer: 'peer', orderer: 'orderer', configtxgen: 'configtxgen' };
const place = { projectDir: '/srv/medledger', dataDir: '/srv/data', portBase: 21_000 };
const topology = localTopology(21_000);

const made = composeFile({
  plans: networkPlans({ ...place, ledger: { kind: 'fabric', binaries, consensus: 'raft' } }),
  name: topology.channel,
  dataDir: place.dataDir,
  projectDir: place.projectDir,
  nodeVersion: '24.21.0',
  furtherFolders: ['/opt/fabric/builders/ccaas'],
  user: '1000:1000',
});

const serviceOf = (file: ComposeFile, name: string): ComposeService => {
  const found = file.services[name];
  if (found === undefined) throw new Error(`no ${name} among ${Object.keys(file.services).join(', ')}`);
  return found;
};

/** What of the compose specification concerns the members that are written. */
function faultsOf({ name, services }: ComposeFile): readonly string[] {
  const faults = /^[a-z0-9][a-z0-9_-]*$/.test(name) ? [] : [`project ${name}`];
  for (const [service, parts] of Object.entries(services)) {
    const { image, command, environment, stop_grace_period, user, volumes, depends_on = [] } = parts;
    const checks: readonly (readonly [string, boolean])[] = [
      ['name', /^[a-zA-Z0-9._-]+$/.test(service)],
      ['image', /^[a-z0-9./-]+:[\w.-]+$/.test(image)],
      ['command', command.length > 0 && command.every((part) => typeof part === 'string' && part !== '')],
      ['environment', Object.values(environment).every((value) => typeof value === 'string')],
      ['stop_grace_period', /^(?:\d+h)?(?:\d+m)?(?:\d+s)?$/.test(stop_grace_period)],
      ['user', /^\d+:\d+$/.test(user)],
      ['volumes', volumes.every(({ source, target }) => source.startsWith('/') && target.startsWith('/'))],
      ['depends_on', depends_on.every((other) => other in services && other !== service)],
    ];
    faults.push(...checks.filter(([, isRight]) => !isRight).map(([what]) => `${service}: ${what}`));
  }
  return faults;
}

describe('composeFile', () => {
  it('keeps to the compose specification', () => {
    expect(faultsOf(made)).toEqual([]);
    expect(JSON.parse(JSON.stringify(made))).toEqual(made);
    const spoilt = { ...made, services: { 'a b': { ...serviceOf(made, 'orderer'), depends_on: ['nobody'] } } };
    expect(faultsOf(spoilt)).toEqual(['a b: name', 'a b: depends_on']);
  });

  it('has a service for every process of the network, and none for the guard', () => {
    const { chaincode, ledger, gateways } = networkPlans({
      ...place,
      ledger: { kind: 'fabric', binaries, consensus: 'raft' },
    });
    const expected = [...chaincode, ...ledger, ...gateways].map(({ name }) => name).filter((name) => name !== 'guard');
    expect(Object.keys(made.services).sort()).toEqual(expected.sort());
  });

  it('runs Fabric’s nodes and ours in images of the versions that are used otherwise', () => {
    expect(serviceOf(made, 'peer-hospital-a')).toMatchObject({
      image: 'hyperledger/fabric-peer:3.1.5',
      command: ['peer', 'node', 'start'],
      environment: { FABRIC_CFG_PATH: '/srv/data/fabric/nodes/peer0.hospital-a.medledger.example' },
    });
    expect(serviceOf(made, 'orderer2').image).toBe('hyperledger/fabric-orderer:3.1.5');
    expect(serviceOf(made, 'gateway-insurer')).toMatchObject({
      image: 'node:24.21.0-slim',
      command: ['node', 'dist/gateway/main.js'],
      working_dir: '/srv/medledger',
    });
  });

  it('lets nodes write into the data folder only', () => {
    const writable = Object.values(made.services).flatMap(({ volumes }) =>
      volumes.filter((volume) => !volume.read_only),
    );
    expect(new Set(writable.map(({ target }) => target))).toEqual(new Set(['/srv/data']));
    expect(serviceOf(made, 'peer-government').volumes.map(({ source }) => source)).toContain(
      '/opt/fabric/builders/ccaas',
    );
    expect(serviceOf(made, 'gateway-insurer').depends_on).toContain('peer-government');
  });
});
