import { readFileSync } from 'node:fs';
import { readTls } from '../identities/index.js';
import { ORDERER_DOMAIN, type Orderer } from '../topology.js';
import { FabricError } from './fabric-error.js';
import { genesisBlockFile } from './fabric-paths.js';
import { askNode, type NodeAnswer } from './node-request.js';

export interface ChannelOnOrderer {
  readonly name: string;
  /** Number of blocks. */
  readonly height: number;
  /** `active`, `onboarding`, `inactive` or `failed`. */
  readonly status: string;
  /** `consenter`, `follower` or `config-tracker`. */
  readonly consensusRelation: string;
}

const DEADLINE_MS = 20_000;
const BOUNDARY = 'medledger-channel-block';
const CHANNELS = '/participation/v1/channels';
const CREATED = 201;
const OK = 200;
const NOT_FOUND = 404;

/**
 * Lets an orderer serve the channel from its first block on; does nothing where it does already.
 *
 * @throws FabricError FABRIC_COMMAND_FAILED
 * @see https://hyperledger-fabric.readthedocs.io/en/latest/create_channel/create_channel_participation.html
 */
export async function joinOrderer(orderer: Orderer, options: { dataDir: string; channel: string }): Promise<void> {
  if ((await channelOnOrderer(orderer, options)) !== undefined) return;
  const block = readFileSync(genesisBlockFile(options.dataDir));
  const answer = await ask(orderer, options.dataDir, { method: 'POST', path: CHANNELS, body: multipart(block) });
  if (answer.status !== CREATED) throw refused(orderer, answer);
}

/** @returns undefined when the orderer does not serve the channel */
export async function channelOnOrderer(
  orderer: Orderer,
  { dataDir, channel }: { dataDir: string; channel: string },
): Promise<ChannelOnOrderer | undefined> {
  const answer = await ask(orderer, dataDir, { method: 'GET', path: `${CHANNELS}/${channel}` });
  if (answer.status === NOT_FOUND) return undefined;
  if (answer.status !== OK) throw refused(orderer, answer);
  return parseChannel(answer.text);
}

async function ask(
  { host, adminPort: port }: Orderer,
  dataDir: string,
  call: { readonly method: string; readonly path: string; readonly body?: Uint8Array },
): Promise<NodeAnswer> {
  const tls = readTls(dataDir, ORDERER_DOMAIN, { kind: 'orderer', host });
  const form = call.body === undefined ? {} : { contentType: `multipart/form-data; boundary=${BOUNDARY}` };
  try {
    return await askNode({ host, port, tls, ...call, ...form, deadlineMs: DEADLINE_MS });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new FabricError('FABRIC_COMMAND_FAILED', `the orderer ${host} does not answer: ${reason}`, { cause });
  }
}

/** One file, under the name that the orderer looks for. */
function multipart(block: Uint8Array): Uint8Array {
  const head =
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="config-block"; filename="genesis.block"\r\n` +
    'content-type: application/octet-stream\r\n\r\n';
  return Buffer.concat([Buffer.from(head), block, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

function refused({ host }: Orderer, { status, text }: NodeAnswer): FabricError {
  return new FabricError('FABRIC_COMMAND_FAILED', `the orderer ${host} answered ${status}: ${text.trim()}`);
}

function parseChannel(text: string): ChannelOnOrderer {
  return JSON.parse(text) as ChannelOnOrderer;
}
