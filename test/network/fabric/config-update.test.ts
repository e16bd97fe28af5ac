import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { common } from '@hyperledger/fabric-protos';
import { CHANNEL_PROFILE, channelConfig } from '../../../network/fabric/channel-config.js';
import { configUpdate } from '../../../network/fabric/config-update.js';
import { ensureIdentities } from '../../../network/identities/index.js';
import { localTopology, type Topology } from '../../../network/topology.js';

const CHANNEL = 'medledger';
const BIN = process.env.FABRIC_BIN ?? '';

interface Shape {
  readonly version?: number;
  readonly values?: Readonly<Record<string, string>>;
  readonly groups?: Readonly<Record<string, Shape>>;
}

function group({ version = 0, values = {}, groups = {} }: Shape): common.ConfigGroup {
  const made = new common.ConfigGroup();
  made.setVersion(version);
  made.setModPolicy('Admins');
  for (const [name, text] of Object.entries(values)) {
    const value = new common.ConfigValue();
    value.setVersion(version);
    value.setModPolicy('Admins');
    value.setValue(Buffer.from(text));
    made.getValuesMap().set(name, value);
  }
  for (const [name, shape] of Object.entries(groups)) made.getGroupsMap().set(name, group(shape));
  return made;
}

function setsOf(current: common.ConfigGroup, wanted: common.ConfigGroup) {
  const update = configUpdate(CHANNEL, current, wanted);
  const read = update?.getReadSet();
  const written = update?.getWriteSet();
  if (read === undefined || written === undefined) throw new Error('there is a difference');
  return { read, written };
}

describe('configUpdate', () => {
  it('of the same configuration there is none, whatever versions the wanted one names', () => {
    const shape = { values: { Batch: 'a' }, groups: { Application: { values: { ACLs: 'x' } } } };
    expect(configUpdate(CHANNEL, group(shape), group({ ...shape, version: 7 }))).toBeUndefined();
  });

  it('a value that changes gets its next version, and the groups around it stay as they are', () => {
    const { written } = setsOf(group({ version: 3, values: { Batch: 'a' } }), group({ values: { Batch: 'b' } }));
    expect(written.getVersion()).toBe(3);
    expect(written.getValuesMap().get('Batch')?.getVersion()).toBe(4);
  });

  it('a group that gets a member is a new version; what stays in it is named by its version alone', () => {
    const founder = { version: 2, values: { MSP: 'certificates' } };
    const current = group({ version: 5, groups: { Founder: founder } });
    const { read, written } = setsOf(current, group({ groups: { Founder: founder, Clinic: { version: 9 } } }));
    expect([read.getVersion(), written.getVersion()]).toEqual([5, 6]);
    expect(written.getGroupsMap().get('Clinic')?.getVersion()).toBe(0);
    expect(written.getGroupsMap().get('Founder')?.toObject()).toEqual(read.getGroupsMap().get('Founder')?.toObject());
    expect(written.getGroupsMap().get('Founder')?.getValuesMap().getLength()).toBe(0);
  });

  it('a group that loses a member is a new version without it', () => {
    const { written } = setsOf(group({ groups: { A: {}, B: {} } }), group({ groups: { A: {} } }));
    expect([written.getVersion(), [...written.getGroupsMap().keys()]]).toEqual([1, ['A']]);
  });
});

function describeAgainstFabric(): void {
  let folder: string;
  const tool = (name: string, ...args: string[]) => execFileSync(join(BIN, name), args, { stdio: 'pipe' });

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'config-update-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  async function configOf(topology: Topology, name: string): Promise<common.Config> {
    await ensureIdentities(topology, folder);
    const block = join(folder, `${name}.block`);
    writeFileSync(join(folder, 'configtx.yaml'), JSON.stringify(channelConfig(topology, folder)));
    const profile = ['-configPath', folder, '-profile', CHANNEL_PROFILE, '-channelID', CHANNEL];
    tool('configtxgen', ...profile, '-outputBlock', block);
    const [data] = common.Block.deserializeBinary(readFileSync(block)).getData()?.getDataList_asU8() ?? [];
    if (data === undefined) throw new Error('a block has an envelope');
    const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(data).getPayload_asU8());
    const config = common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig();
    if (config === undefined) throw new Error('a configuration block has a configuration');
    writeFileSync(join(folder, `${name}.pb`), config.serializeBinary());
    return config;
  }

  it('is the update that Fabric’s own configtxlator computes', async () => {
    const topology = localTopology(20_000);
    const [founder] = topology.organisations;
    if (founder === undefined) throw new Error('there are founders');
    const clinic = { ...founder, mspId: 'ClinicMSP', domain: 'clinic.example', endorses: false };
    const current = await configOf(topology, 'current');
    const joined = { ...topology, batch: { ...topology.batch, timeoutMs: 70 } };
    const wanted = await configOf({ ...joined, organisations: [...topology.organisations, clinic] }, 'wanted');
    const update = join(folder, 'update.pb');
    const files = [
      '--original',
      join(folder, 'current.pb'),
      '--updated',
      join(folder, 'wanted.pb'),
      '--output',
      update,
    ];
    tool('configtxlator', 'compute_update', '--channel_id', CHANNEL, ...files);
    const expected = common.ConfigUpdate.deserializeBinary(readFileSync(update));
    const [before, after] = [current.getChannelGroup(), wanted.getChannelGroup()];
    if (before === undefined || after === undefined) throw new Error('a configuration has a channel group');
    const computed = configUpdate(CHANNEL, before, after);
    expect(Buffer.from(computed?.serializeBinary() ?? [])).toEqual(Buffer.from(expected.serializeBinary()));
  });
}

if (BIN === '')
  it.skip('against configtxlator: set FABRIC_BIN to the bin folder of a Fabric 3.1 release', () => undefined);
else describe('configUpdate on real configurations', describeAgainstFabric);
