import { peer } from '@hyperledger/fabric-protos';
import { parseBlock } from '../commit/block-codec.js';
import { configIn } from '../commit/channel-config.js';
import type { SystemChaincode } from '../endorse/chaincode-calls.js';
import type { PeerLedger } from '../peer-ledger.js';
import { systemAnswer } from './system-answer.js';

const GET_CHANNELS = 'GetChannels';
const EMPTY = new Uint8Array();

/**
 * Fabric's configuration system chaincode, as far as it reads: the channel's configuration is block 0.
 *
 * @see Fabric core/scc/cscc/configure.go
 */
export function cscc({ channel }: { readonly channel: string }): SystemChaincode {
  return {
    name: 'cscc',
    invoke: (ledger, { args, chaincodeName }) =>
      systemAnswer(async () => {
        if (chaincodeName !== 'cscc') {
          throw new Error(
            `Rejecting invoke of CSCC from another chaincode, original invocation for '${chaincodeName}'`,
          );
        }
        return query(ledger, channel, args);
      }),
  };
}

async function query(ledger: PeerLedger, channel: string, args: readonly Uint8Array[]): Promise<Uint8Array> {
  const [name, argument] = args.map((bytes) => Buffer.from(bytes).toString('utf8'));
  if (name === undefined || (name !== GET_CHANNELS && argument === undefined)) {
    throw new Error(`Incorrect number of arguments, ${args.length}`);
  }
  switch (name) {
    case GET_CHANNELS:
      return channels(channel);
    case 'GetConfigBlock':
      requireChannel(argument, channel, 'Unknown channel ID');
      return configBlock(ledger);
    case 'GetChannelConfig':
      requireChannel(argument, channel, 'unknown channel ID');
      return configOf(await configBlock(ledger));
    case 'JoinChain':
    case 'JoinChainBySnapshot':
      throw new Error(
        `access denied for [${name}][${channel}]: the peers of this ledger are in its one channel from the start`,
      );
    default:
      throw new Error(`Requested function ${name} not found.`);
  }
}

function requireChannel(asked: string | undefined, channel: string, complaint: string): void {
  if (asked !== channel) throw new Error(`${complaint}, ${asked ?? ''}`);
}

function channels(channel: string): Uint8Array {
  const info = new peer.ChannelInfo();
  info.setChannelId(channel);
  const response = new peer.ChannelQueryResponse();
  response.setChannelsList([info]);
  return response.serializeBinary();
}

async function configBlock(ledger: PeerLedger): Promise<Uint8Array> {
  const block = await ledger.blockByNumber(0);
  if (block === undefined) throw new Error('no such block number [0] in index');
  return block;
}

/** Serialised common.Config out of a configuration block. */
function configOf(block: Uint8Array): Uint8Array {
  const [envelope = EMPTY] = parseBlock(block).envelopes;
  return configIn(envelope)?.serializeBinary() ?? EMPTY;
}
