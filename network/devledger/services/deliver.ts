import { common, orderer } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { PolicySigner } from '../commit/signature-policy.js';
import { timestampOf } from '../endorse/proposal.js';
import type { MspIdentity } from '../msp.js';
import type { AccessPolicy } from './access-policy.js';
import type { BlockFeed } from './block-feed.js';
import { type DeliverKind, deliveredBlock, deliverStatus, type PrivateDataOfBlock } from './deliver-response.js';
import { messageOf } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface DeliverOptions {
  readonly channel: string;
  readonly access: AccessPolicy;
  readonly feed: BlockFeed;
  /** What of a block's private data a reader may have. */
  readonly privateDataOf: (blockNumber: number, reader: PolicySigner) => Promise<PrivateDataOfBlock>;
  /** How far a request's time may be from the peer's clock, either way. */
  readonly timeWindowMs: number;
  readonly nowMs: () => number;
  readonly log: Logger;
}

type Status = common.StatusMap[keyof common.StatusMap];

interface SeekRequest {
  readonly reader: MspIdentity;
  readonly from: number;
  /** Last block to deliver; Infinity to go on. */
  readonly to: number;
  readonly failIfNotReady: boolean;
}

const { Status } = common;

/**
 * Answers one seek request: blocks from start to stop, waiting for those still to come, then the final status.
 *
 * @returns serialised DeliverResponse messages; the last one carries a status, and only after SUCCESS may the client
 * ask again on the same stream. Ends without a status when aborted.
 * @see Fabric common/deliver/deliver.go
 */
export async function* deliver(
  envelope: common.Envelope,
  kind: DeliverKind,
  options: DeliverOptions,
  signal: AbortSignal,
): AsyncGenerator<{ bytes: Uint8Array; final?: Status }, void, void> {
  const seek = readSeek(envelope, kind, options);
  if (typeof seek === 'number') {
    yield { bytes: deliverStatus(seek), final: seek };
    return;
  }
  const end = yield* blocks(seek, kind, options, signal);
  if (end !== undefined) yield { bytes: deliverStatus(end), final: end };
}

async function* blocks(
  seek: SeekRequest,
  kind: DeliverKind,
  options: DeliverOptions,
  signal: AbortSignal,
): AsyncGenerator<{ bytes: Uint8Array }, Status | undefined, void> {
  const { feed, access } = options;
  if (seek.failIfNotReady && seek.from >= feed.height()) return Status.NOT_FOUND;
  for await (const blockNumber of feed.follow(seek.from, signal)) {
    if (access.hasEnded(seek.reader)) return Status.FORBIDDEN;
    const bytes = await readBlock(blockNumber, kind, seek.reader, options);
    if (bytes === undefined) return Status.SERVICE_UNAVAILABLE;
    yield { bytes };
    const end = endAfter(blockNumber, seek, feed.height());
    if (end !== undefined) return end;
  }
  return undefined;
}

/** @returns undefined when there is more to come */
function endAfter(blockNumber: number, seek: SeekRequest, height: number): Status | undefined {
  if (blockNumber >= seek.to) return Status.SUCCESS;
  return seek.failIfNotReady && blockNumber + 1 >= height ? Status.NOT_FOUND : undefined;
}

async function readBlock(
  blockNumber: number,
  kind: DeliverKind,
  reader: MspIdentity,
  options: DeliverOptions,
): Promise<Uint8Array | undefined> {
  try {
    return await deliveredBlock(options.feed, blockNumber, kind, () => options.privateDataOf(blockNumber, reader));
  } catch (error) {
    options.log.error({ blockNumber, error: messageOf(error) }, 'block cannot be delivered');
    return undefined;
  }
}

/** @returns the status to refuse with, or what is to be delivered */
function readSeek(envelope: common.Envelope, kind: DeliverKind, options: DeliverOptions): SeekRequest | Status {
  const parts = readEnvelope(envelope);
  if (parts === undefined || Math.abs(options.nowMs() - parts.timestampMs) > options.timeWindowMs) {
    return Status.BAD_REQUEST;
  }
  if (parts.channel !== options.channel) return Status.NOT_FOUND;
  const reader = authorisedReader(envelope, parts.creator, kind, options);
  if (reader === undefined) return Status.FORBIDDEN;
  const start = parts.seek.getStart();
  const stop = parts.seek.getStop();
  if (start === undefined || stop === undefined) return Status.BAD_REQUEST;
  const height = options.feed.height();
  const from = startNumber(start, height);
  if (from === undefined) return Status.NOT_FOUND;
  const to = stopNumber(stop, from, height);
  if (to < from) return Status.BAD_REQUEST;
  const failIfNotReady = parts.seek.getBehavior() === orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY;
  return { reader, from, to, failIfNotReady };
}

function readEnvelope(
  envelope: common.Envelope,
): { channel: string; timestampMs: number; creator: Uint8Array; seek: orderer.SeekInfo } | undefined {
  try {
    const payload = parseMessage(common.Payload, envelope.getPayload_asU8());
    const header = payload.getHeader();
    if (header === undefined) return undefined;
    const channelHeader = parseMessage(common.ChannelHeader, header.getChannelHeader_asU8());
    const signatureHeader = parseMessage(common.SignatureHeader, header.getSignatureHeader_asU8());
    return {
      channel: channelHeader.getChannelId(),
      timestampMs: timestampOf(channelHeader),
      creator: signatureHeader.getCreator_asU8(),
      seek: parseMessage(orderer.SeekInfo, payload.getData_asU8()),
    };
  } catch {
    return undefined;
  }
}

function authorisedReader(
  envelope: common.Envelope,
  creator: Uint8Array,
  kind: DeliverKind,
  options: DeliverOptions,
): MspIdentity | undefined {
  try {
    const reader = options.access.verifyReader({
      identity: creator,
      data: envelope.getPayload_asU8(),
      signature: envelope.getSignature_asU8(),
    });
    const mayRead = kind === 'filtered' || options.access.mayReadBlocks(reader.mspId);
    if (mayRead && !options.access.hasEnded(reader)) return reader;
    options.log.warn({ mspId: reader.mspId, kind }, 'blocks refused: no peer of its own, or the certificate has ended');
  } catch (error) {
    options.log.warn({ kind, reason: messageOf(error) }, 'blocks refused');
  }
  return undefined;
}

function startNumber(position: orderer.SeekPosition, height: number): number | undefined {
  if (position.hasOldest()) return 0;
  if (position.hasNewest()) return height - 1;
  if (position.hasNextCommit()) return height;
  const specified = position.getSpecified()?.getNumber();
  return specified === undefined || specified > height ? undefined : specified;
}

function stopNumber(position: orderer.SeekPosition, from: number, height: number): number {
  if (position.hasOldest()) return from;
  if (position.hasNewest()) return Math.max(from, height - 1);
  // Clients that want everything give 2^63 or 2^64 as the last block, which a number holds well enough for this.
  return position.getSpecified()?.getNumber() ?? Number.POSITIVE_INFINITY;
}
