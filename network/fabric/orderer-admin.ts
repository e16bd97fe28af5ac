import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { readTls } from '../identities/index.js';
import { ORDERER_DOMAIN, type Orderer } from '../topology.js';
import { FabricError } from './fabric-error.js';
import { genesisBlockFile } from './fabric-paths.js';
import { LOOPBACK } from './members.js';

export interface ChannelOnOrderer {
  readonly name: string;
  /** Number of blocks. */
  readonly height: number;
  /** `active`, `onboarding`, `inactive` or `failed`. */
  readonly status: string;
  /** `consenter`, `follower` or `config-tracker`. */
  readonly consensusRelation: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
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

function ask(
  { host, adminPort }: Orderer,
  dataDir: string,
  call: { readonly method: string; readonly path: string; readonly body?: Uint8Array },
): Promise<Answer> {
  const tls = readTls(dataDir, ORDERER_DOMAIN, { kind: 'orderer', host });
  const headers = call.body === undefined ? {} : { 'content-type': `multipart/form-data; boundary=${BOUNDARY}` };
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        host: LOOPBACK,
        servername: host,
        port: adminPort,
        ...call,
        headers,
        cert: tls.certificatePem,
        key: tls.keyPem,
        ca: tls.caPem,
        agent: false,
        timeout: DEADLINE_MS,
      },
      (response) => {
        const chunks: Uint8Array[] = [];
        response.on('data', (chunk: Uint8Array) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
        );
      },
    );
    sent.on('timeout', () => sent.destroy(new Error('no answer in time')));
    sent.on('error', (cause) =>
      reject(
        new FabricError('FABRIC_COMMAND_FAILED', `the orderer ${host} does not answer: ${cause.message}`, { cause }),
      ),
    );
    sent.end(call.body);
  });
}

/** One file, under the name that the orderer looks for. */
function multipart(block: Uint8Array): Uint8Array {
  const head =
    `--${BOUNDARY}\r\ncontent-disposition: form-data; name="config-block"; filename="genesis.block"\r\n` +
    'content-type: application/octet-stream\r\n\r\n';
  return Buffer.concat([Buffer.from(head), block, Buffer.from(`\r\n--${BOUNDARY}--\r\n`)]);
}

function refused({ host }: Orderer, { status, text }: Answer): FabricError {
  return new FabricError('FABRIC_COMMAND_FAILED', `the orderer ${host} answered ${status}: ${text.trim()}`);
}

function parseChannel(text: string): ChannelOnOrderer {
  return JSON.parse(text) as ChannelOnOrderer;
}
