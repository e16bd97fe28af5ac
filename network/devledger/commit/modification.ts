import type { KeyModification } from '../peer-ledger.js';
import type { BlockParts } from './block-codec.js';
import { parseEnvelope } from './envelope.js';
import { effectOf } from './endorsed-transaction.js';

/**
 * What one transaction did to one key. History rows hold only the place; the block holds the rest.
 *
 * @throws RangeError when the transaction does not write the key: block and history do not belong together
 */
export function readModification(
  block: BlockParts,
  place: { readonly namespace: string; readonly key: string; readonly txNumber: number },
): KeyModification {
  const envelope = parseEnvelope(block.envelopes[place.txNumber] ?? new Uint8Array());
  const write =
    'rejected' in envelope
      ? undefined
      : effectOf(envelope)
          .find(({ namespace }) => namespace === place.namespace)
          ?.writes.findLast(({ key }) => key === place.key);
  if ('rejected' in envelope || write === undefined) {
    throw new RangeError(
      `History names transaction ${place.txNumber} of block ${block.number}, which does not write this key. ` +
        'Rebuild the state of this peer from its blocks.',
    );
  }
  return {
    txId: envelope.txId,
    timestampMs: envelope.timestampMs,
    isDelete: write.value === undefined,
    value: write.value ?? new Uint8Array(),
  };
}
