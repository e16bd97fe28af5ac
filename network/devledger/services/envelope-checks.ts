import { common } from '@hyperledger/fabric-protos';
import type { Logger } from 'pino';
import type { AccessPolicy } from './access-policy.js';
import { messageOf } from './rpc-error.js';
import { parseMessage } from '../wire/parse-message.js';

export interface EnvelopeChecks {
  readonly channel: string;
  readonly access: AccessPolicy;
  readonly envelopeSizeMaxBytes: number;
  readonly log: Logger;
}

/** Why the orderer does not take an envelope. */
export interface EnvelopeRefusal {
  readonly status: 'BAD_REQUEST' | 'FORBIDDEN';
  readonly info: string;
}

/**
 * What the orderer asks of an envelope before it takes it: size, form, channel, and a creator who may write.
 *
 * @returns undefined when it is in order
 * @see Fabric orderer/common/msgprocessor, CreateStandardChannelFilters
 */
export function findRefusal(envelope: common.Envelope, checks: EnvelopeChecks): EnvelopeRefusal | undefined {
  const sizeBytes = envelope.getPayload_asU8().length + envelope.getSignature_asU8().length;
  if (sizeBytes > checks.envelopeSizeMaxBytes) {
    return bad(
      `message payload is ${sizeBytes} bytes and exceeds maximum allowed ${checks.envelopeSizeMaxBytes} bytes`,
    );
  }
  const header = readHeader(envelope);
  if ('info' in header) return header;
  if (header.channel !== checks.channel) return bad(`channel '${header.channel}' is not served by this orderer`);
  if (checks.access.isOfEndedCertificate(header.creator)) return bad('broadcast client identity expired');
  try {
    checks.access.verifyWriter({
      identity: header.creator,
      data: envelope.getPayload_asU8(),
      signature: envelope.getSignature_asU8(),
    });
    return undefined;
  } catch (error) {
    checks.log.warn({ reason: messageOf(error) }, 'transaction refused by the orderer');
    return {
      status: 'FORBIDDEN',
      info:
        "implicit policy evaluation failed - 0 sub-policies were satisfied, but this policy requires 1 of the 'Writers' " +
        'sub-policies to be satisfied: permission denied',
    };
  }
}

function readHeader(
  envelope: common.Envelope,
): { readonly channel: string; readonly creator: Uint8Array } | EnvelopeRefusal {
  try {
    const header = parseMessage(common.Payload, envelope.getPayload_asU8()).getHeader();
    if (header === undefined) throw new Error('envelope has no header');
    return {
      channel: parseMessage(common.ChannelHeader, header.getChannelHeader_asU8()).getChannelId(),
      creator: parseMessage(common.SignatureHeader, header.getSignatureHeader_asU8()).getCreator_asU8(),
    };
  } catch (error) {
    return bad(`could not determine channel ID: ${messageOf(error)}`);
  }
}

function bad(info: string): EnvelopeRefusal {
  return { status: 'BAD_REQUEST', info };
}
