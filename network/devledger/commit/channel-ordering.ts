import { type MspDefinition, MspRegistry } from '../msp.js';
import { errorCodeOf, type FileSystem } from '../store/file-system.js';
import { FrameFiles } from '../store/frame-files.js';
import { BlockCorruptError } from '../store/ledger-errors.js';
import { type BlockParts, parseBlock } from './block-codec.js';
import type { BlocksPlace } from './block-donors.js';
import { type OrderingService, signatureFault } from './orderer-signatures.js';
import { type OrderingSection, type OrderingTerms, termsOf } from './ordering-section.js';
import { SignatureCache } from './signature-cache.js';

/** Any one orderer's signature makes a block. */
const ONE_ORDERER: OrderingService = { isBft: false, consenters: new Map() };
/** As many as peers may be behind one another by; each signature is checked once for all of them. */
const SIGNATURES_MAX = 1_000;

/** The ordering service of a channel whose blocks are signed: what block 0 says of it, and whether a block is its own. */
export class ChannelOrdering implements OrderingSection {
  readonly msp: MspDefinition;
  readonly terms: OrderingTerms;
  readonly signatures: SignatureCache;

  constructor({ msp, terms }: OrderingSection) {
    this.msp = msp;
    this.terms = terms;
    // Beside the members' registry: who orders neither proposes nor endorses.
    this.signatures = new SignatureCache(new MspRegistry([msp]), SIGNATURES_MAX);
  }

  /** How the block fails the channel's BlockValidation policy; block 0, which members know by its hash, has no signature. */
  faultOf(block: BlockParts): string | undefined {
    return block.number === 0 ? undefined : signatureFault(block, ONE_ORDERER, this.signatures);
  }
}

/**
 * Whether the ledger in these folders has signed blocks, and on what terms. A folder in which nothing lies yet does not
 * tell; where only some were put back to a ledger without signatures, the others do.
 *
 * @param places - folders of the orderer's and the peers' blocks
 * @returns `unsigned` for a ledger that was made before orderers signed
 */
export async function storedTerms(
  places: readonly BlocksPlace[],
  files: FileSystem,
): Promise<OrderingTerms | 'unsigned' | undefined> {
  let found: 'unsigned' | undefined;
  for (const place of places) {
    const genesis = await readGenesis(place, files);
    const terms = genesis && termsOf(genesis);
    if (terms !== undefined) return terms;
    if (genesis !== undefined) found = 'unsigned';
  }
  return found;
}

/** The envelope in block 0; undefined where there is none to be read. */
async function readGenesis(place: BlocksPlace, files: FileSystem): Promise<Uint8Array | undefined> {
  try {
    const bytes = await FrameFiles.look({ ...place, files }, (blocks) => blocks.read(0));
    return bytes && parseBlock(bytes).envelopes[0];
  } catch (error) {
    const isLost = error instanceof BlockCorruptError || error instanceof RangeError || errorCodeOf(error) === 'ENOENT';
    if (isLost) return undefined;
    throw error;
  }
}
