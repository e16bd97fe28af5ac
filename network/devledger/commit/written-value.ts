import type { KeyName } from '../store/state-reader.js';
import type { BlockParts } from './block-codec.js';
import { effectOf } from './endorsed-transaction.js';
import { parseEnvelope } from './envelope.js';
import { writtenKeys } from './key-policies.js';
import { METADATA_USERS, metadataNamespace } from './state-namespaces.js';

/**
 * What one transaction wrote to one row of the state: a value, the hash of a private one, or metadata.
 *
 * @returns undefined when the transaction does not write it
 */
export function writtenValue(block: BlockParts, txNumber: number, row: KeyName): Uint8Array | undefined {
  if (row.namespace === METADATA_USERS) return Uint8Array.of(1);
  const envelope = parseEnvelope(block.envelopes[txNumber] ?? new Uint8Array());
  if ('rejected' in envelope) return undefined;
  for (const { namespace, writes, metadataWrites } of effectOf(envelope).flatMap(writtenKeys)) {
    if (namespace === row.namespace) return writes.findLast(({ key }) => key === row.key)?.value;
    if (metadataNamespace(namespace) !== row.namespace) continue;
    return metadataWrites.findLast(({ key }) => key === row.key)?.metadata;
  }
  return undefined;
}
