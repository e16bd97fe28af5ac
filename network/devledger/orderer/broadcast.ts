import { common, orderer } from '@hyperledger/fabric-protos';
import type { AnsweredBroadcast } from '../operations/orderer-metrics.js';
import { type EnvelopeChecks, findRefusal } from '../services/envelope-checks.js';
import { ENVELOPE_SHAPE, NO_STREAM_MESSAGE, OUTSIDE_ONLY, parseBounded } from '../services/message-bounds.js';
import { messageOf } from '../services/rpc-error.js';
import type { TransactionOrderer } from '../services/submit.js';
import { StoreError } from '../store/ledger-errors.js';
import { parseMessage } from '../wire/parse-message.js';

export interface BroadcastOptions extends EnvelopeChecks {
  readonly orderer: TransactionOrderer;
  /** Told of each envelope that was answered. */
  readonly onBroadcast?: ((answered: AnsweredBroadcast) => void) | undefined;
}

type StatusName = keyof common.StatusMap;

interface Answer {
  readonly status: StatusName;
  readonly info: string;
  readonly enqueueMs?: number;
}

const { HeaderType, Status } = common;
const TYPE_NAMES = new Map(Object.entries(HeaderType).map(([name, type]) => [Number(type), name]));
/** Orderers make these; nobody hands them in. */
const OF_ORDERERS: readonly number[] = [HeaderType.CONFIG, HeaderType.ORDERER_TRANSACTION];

/**
 * Takes one envelope as Fabric's orderer does: checked, and held durably when it is answered with SUCCESS.
 *
 * @throws RpcError for bytes that are no envelope, or one of too many fields
 * @see Fabric orderer/common/broadcast/broadcast.go, ProcessMessage
 */
export async function broadcast(bytes: Uint8Array, options: BroadcastOptions): Promise<orderer.BroadcastResponse> {
  const startedAtMs = performance.now();
  // What is larger than is taken is refused by its size and not taken apart any further.
  const shape = bytes.length > options.envelopeSizeMaxBytes ? OUTSIDE_ONLY : ENVELOPE_SHAPE;
  const envelope = parseBounded(bytes, shape, common.Envelope, NO_STREAM_MESSAGE);
  const { channel, type } = shape === OUTSIDE_ONLY ? UNKNOWN : readChannelHeader(envelope, options.channel);
  const refusal = findRefusal(envelope, options) ?? wrongType(type);
  const validateMs = performance.now() - startedAtMs;
  const answer = refusal ?? (await enqueue(envelope.serializeBinary(), options));
  const enqueueMs = refusal === undefined ? performance.now() - startedAtMs - validateMs : undefined;
  const name = TYPE_NAMES.get(type) ?? 'unknown';
  options.onBroadcast?.({ status: answer.status, channel, type: name, validateMs, enqueueMs });
  const response = new orderer.BroadcastResponse();
  response.setStatus(Status[answer.status]);
  response.setInfo(answer.info.toWellFormed());
  return response;
}

async function enqueue(bytes: Uint8Array, { orderer: ordering, log }: BroadcastOptions): Promise<Answer> {
  try {
    await ordering.submit(bytes);
    return { status: 'SUCCESS', info: '' };
  } catch (error) {
    log.error({ error: messageOf(error) }, 'the orderer took nothing');
    if (!(error instanceof StoreError)) throw error;
    return { status: 'SERVICE_UNAVAILABLE', info: error.message };
  }
}

function wrongType(type: number): Answer | undefined {
  if (type === HeaderType.CONFIG_UPDATE) {
    const info =
      'the channel of the embedded ledger is not updated: change the topology file and make a new ledger, or deploy chaincode with `npm run network -- deploy`';
    return { status: 'NOT_IMPLEMENTED', info };
  }
  if (!OF_ORDERERS.includes(type)) return undefined;
  return { status: 'BAD_REQUEST', info: 'message is of type that cannot be processed directly' };
}

const UNKNOWN = { channel: 'unknown', type: -1 } as const;

/** For metrics, and for what is no transaction; whether it is in order is said by the checks. */
function readChannelHeader(
  envelope: common.Envelope,
  served: string,
): { readonly channel: string; readonly type: number } {
  try {
    const header = parseMessage(common.Payload, envelope.getPayload_asU8()).getHeader();
    const channelHeader = parseMessage(common.ChannelHeader, header?.getChannelHeader_asU8() ?? new Uint8Array());
    // A label of a metric: clients are not to make as many as they like.
    const channel = channelHeader.getChannelId() === served ? served : UNKNOWN.channel;
    return { channel, type: channelHeader.getType() };
  } catch {
    // Every failure of a decoder means the same here.
    return UNKNOWN;
  }
}
