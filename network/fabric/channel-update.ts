import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { common, msp } from '@hyperledger/fabric-protos';
import { signLowS } from '../devledger/low-s.js';
import { appendDurably, PUBLIC_FILE_MODE } from '../identities/durable-file.js';
import type { Identity } from '../identities/index.js';
import { CHANNEL_PROFILE, channelConfig } from './channel-config.js';
import { configUpdate } from './config-update.js';
import { FabricError } from './fabric-error.js';
import { configHistoryFile } from './fabric-paths.js';
import { peerOrganisations } from './members.js';
import { adminEnvironment, ordererOptions } from './peer-commands.js';
import type { FabricPlace } from './prepare-network.js';
import { type Command, commandFailed, run, runOrFail } from './run-command.js';

export interface ChannelUpdate {
  /** For the history: what was changed, in a few words. */
  readonly what: string;
  /** Whose administrators sign; the channel's policies say who must. */
  readonly signers: readonly Identity[];
  /**
   * Changes the configuration in place.
   *
   * @param generated - what this topology's channel would begin with, if it were made now
   */
  readonly change: (config: common.ConfigGroup, generated: common.ConfigGroup) => void;
}

const COMMITTED_MS = 10_000;
const POLL_MS = 100;
/**
 * Somebody else may have changed the configuration in between, and orderers lose an update on the way to a leader that
 * they are just reconnecting to: it is made anew from what is there then, and by its versions counts once.
 */
const ATTEMPTS = 4;
const NONCE_BYTES = 24;

/**
 * Changes the configuration of a running channel. Nothing is submitted where it is as wanted already.
 *
 * @returns number of the configuration that has the change, or had it before
 * @throws FabricError CHANNEL_UPDATE_REFUSED when signatures are missing or the orderers refuse it; FABRIC_COMMAND_FAILED
 */
export async function updateChannel(place: FabricPlace, update: ChannelUpdate): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'medledger-channel-'));
  try {
    const generated = await generatedConfig(place, folder);
    for (let attempt = 1; ; attempt += 1) {
      const sequence = await attemptUpdate(place, { folder, generated, update, isLast: attempt === ATTEMPTS });
      if (sequence !== undefined) return sequence;
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @returns undefined when it is to be tried again */
async function attemptUpdate(
  place: FabricPlace,
  given: {
    readonly folder: string;
    readonly generated: common.ConfigGroup;
    readonly update: ChannelUpdate;
    readonly isLast: boolean;
  },
): Promise<number | undefined> {
  const { folder, generated, update, isLast } = given;
  const current = await currentConfig(place, folder);
  const wanted = common.ConfigGroup.deserializeBinary(current.group.serializeBinary());
  update.change(wanted, generated);
  const difference = configUpdate(place.topology.channel, current.group, wanted);
  if (difference === undefined) return current.sequence;
  const file = join(folder, 'update.pb');
  writeFileSync(file, updateEnvelope(place.topology.channel, difference, update.signers));
  const command = peerCommand(place, 'channel', 'update', '--file', file);
  const result = await run(command);
  if (result.status !== 0) {
    if (!isLast && (await currentConfig(place, folder)).sequence > current.sequence) return undefined;
    const { message } = commandFailed(command, result);
    throw new FabricError(
      'CHANNEL_UPDATE_REFUSED',
      `the orderers did not take the change (${update.what}): ${message}; see that the administrators of a majority have signed and that the orderers run.`,
    );
  }
  const sequence = current.sequence + 1;
  if (!(await isCommitted(place, folder, sequence))) {
    if (!isLast) return undefined;
    throw new FabricError(
      'FABRIC_NOT_READY',
      `the orderers took the change of the channel (${update.what}) and made no block of it within ${COMMITTED_MS / 1000} s, ${ATTEMPTS} times; see their logs.`,
    );
  }
  recordUpdate(place.dataDir, { sequence, what: update.what, signers: update.signers.map(({ mspId }) => mspId) });
  return sequence;
}

/** Waits until an orderer hands out a block with it; peers take it as they take every block. */
async function isCommitted(place: FabricPlace, folder: string, sequence: number): Promise<boolean> {
  for (const untilMs = Date.now() + COMMITTED_MS; Date.now() < untilMs; await wait(POLL_MS))
    if ((await currentConfig(place, folder)).sequence >= sequence) return true;
  return false;
}

interface CurrentConfig {
  /** Counts the configurations of the channel; the first has 0. */
  readonly sequence: number;
  readonly group: common.ConfigGroup;
}

/** As an orderer has it. */
export async function currentConfig(place: FabricPlace, folder: string): Promise<CurrentConfig> {
  const file = join(folder, 'config.block');
  await runOrFail(peerCommand(place, 'channel', 'fetch', 'config', file));
  return parseConfigBlock(readFileSync(file));
}

/** What `configtxgen` makes of the topology and the certificates that there are now. */
async function generatedConfig(place: FabricPlace, folder: string): Promise<common.ConfigGroup> {
  const { topology, dataDir, binaries } = place;
  const file = join(folder, 'generated.block');
  writeFileSync(join(folder, 'configtx.yaml'), JSON.stringify(channelConfig(topology, dataDir)));
  await runOrFail({
    program: binaries.configtxgen,
    args: ['-configPath', folder, '-profile', CHANNEL_PROFILE, '-channelID', topology.channel, '-outputBlock', file],
    env: {},
  });
  return parseConfigBlock(readFileSync(file)).group;
}

/** By the administrator of the first peer that there is: any may ask, and any may hand in what others signed. */
function peerCommand(place: FabricPlace, ...args: string[]): Command {
  const { topology, dataDir, binaries } = place;
  const [organisation] = peerOrganisations(topology);
  if (organisation === undefined) throw new Error('invariant failed: an organisation has a peer');
  return {
    program: binaries.peer,
    args: [...args, '--channelID', topology.channel, ...ordererOptions(place)],
    env: adminEnvironment(dataDir, organisation),
  };
}

function parseConfigBlock(bytes: Uint8Array): CurrentConfig {
  const [data] = common.Block.deserializeBinary(bytes).getData()?.getDataList_asU8() ?? [];
  if (data === undefined) throw new Error('invariant failed: a configuration block holds one envelope');
  const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(data).getPayload_asU8());
  const config = common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig();
  const group = config?.getChannelGroup();
  if (config === undefined || group === undefined) throw new Error('invariant failed: the block holds a configuration');
  return { sequence: config.getSequence(), group };
}

/** @returns a serialised common.Envelope; `peer channel update` signs its outside */
function updateEnvelope(channel: string, update: common.ConfigUpdate, signers: readonly Identity[]): Uint8Array {
  const bytes = update.serializeBinary();
  const signed = new common.ConfigUpdateEnvelope();
  signed.setConfigUpdate(bytes);
  signed.setSignaturesList(signers.map((signer) => configSignature(signer, bytes)));
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.CONFIG_UPDATE);
  channelHeader.setChannelId(channel);
  const header = new common.Header();
  header.setChannelHeader(channelHeader.serializeBinary());
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(signed.serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  return envelope.serializeBinary();
}

function configSignature(
  { mspId, certificatePem, privateKey }: Identity,
  updateBytes: Uint8Array,
): common.ConfigSignature {
  const creator = new msp.SerializedIdentity();
  creator.setMspid(mspId);
  creator.setIdBytes(Buffer.from(certificatePem, 'utf8'));
  const header = new common.SignatureHeader();
  header.setCreator(creator.serializeBinary());
  header.setNonce(randomBytes(NONCE_BYTES));
  const headerBytes = header.serializeBinary();
  const signature = new common.ConfigSignature();
  signature.setSignatureHeader(headerBytes);
  signature.setSignature(signLowS(privateKey, Buffer.concat([headerBytes, updateBytes])));
  return signature;
}

function recordUpdate(dataDir: string, entry: { sequence: number; what: string; signers: readonly string[] }): void {
  const line = JSON.stringify({ at: new Date().toISOString(), ...entry });
  appendDurably(configHistoryFile(dataDir), `${line}\n`, PUBLIC_FILE_MODE);
}
