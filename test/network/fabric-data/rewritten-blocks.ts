import { writeFileSync } from 'node:fs';
import { common } from '@hyperledger/fabric-protos';
import { type BlockParts, storedCommitHash, validationCodes } from '../../../network/devledger/commit/block-codec.js';
import { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import { varint } from '../../../network/fabric/store/varint.js';
import { fabricCommitHash, writesOfBlock } from '../../../scripts/verify/fabric/block-effects.js';

const FILTER = 2;
const COMMIT_HASH = 4;

/**
 * Changes the validation code of a block's first transaction in one peer's file as somebody would who knows what they
 * do: every commit hash from there on is made anew, and no hash of the chain covers the codes.
 */
export async function rewriteCode(directory: string, change: { readonly number: number; readonly code: number }) {
  const files = FabricBlockFiles.inspect({ directory, owner: 'test' });
  const rewritten: Buffer[] = [];
  let previous: Uint8Array = new Uint8Array();
  for (let number = 0; number < files.nextSequence; number += 1) {
    const block = await files.read(number);
    if (block === undefined) throw new Error(`no block ${number}`);
    const changed = number < change.number ? block : withCommitHash(withCode(block, change), previous);
    previous = storedCommitHash(changed);
    rewritten.push(stored(changed));
  }
  const file = files.place(0)?.file;
  if (file === undefined) throw new Error(`no blocks in ${directory}`);
  writeFileSync(file, Buffer.concat(rewritten));
}

function withCode(block: BlockParts, { number, code }: { readonly number: number; readonly code: number }): BlockParts {
  if (block.number !== number) return block;
  const codes = Buffer.from(validationCodes(block));
  codes.writeUInt8(code, 0);
  return { ...block, metadata: block.metadata.with(FILTER, codes) };
}

function withCommitHash(block: BlockParts, previous: Uint8Array): BlockParts {
  const metadata = new common.Metadata();
  metadata.setValue(fabricCommitHash(validationCodes(block), writesOfBlock(block), previous));
  return { ...block, metadata: block.metadata.with(COMMIT_HASH, metadata.serializeBinary()) };
}

function stored({ number, dataHash, previousHash, envelopes, metadata }: BlockParts): Buffer {
  const withLength = (bytes: Uint8Array) => Buffer.concat([varint(bytes.length), bytes]);
  const list = (items: readonly Uint8Array[]) => [varint(items.length), ...items.map(withLength)];
  return withLength(
    Buffer.concat([
      varint(number),
      withLength(dataHash),
      withLength(previousHash),
      ...list(envelopes),
      ...list(metadata),
    ]),
  );
}
