import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { common, peer } from '@hyperledger/fabric-protos';
import { PRIVATE_FILE_MODE, replaceFile, type SmallFileDisk } from '../../identities/durable-file.js';
import { DefinitionError } from './definition-error.js';
import { type DefinitionInForce, type SignatureDefinition, sameTerms } from './definition-in-force.js';
import { parseMessage } from '../wire/parse-message.js';

/** Where a data folder keeps it. */
export function definitionBookPath(dataDir: string): string {
  return join(dataDir, 'ledger', 'definitions.json');
}

interface StoredDefinition {
  readonly name: string;
  readonly version: string;
  readonly sequence: number;
  readonly initRequired: boolean;
  readonly fromBlock: number;
  readonly packageId?: string;
  /** Serialised SignaturePolicyEnvelope, base64. */
  readonly endorsementPolicy: string;
  /** Serialised CollectionConfigPackage, base64. */
  readonly collections?: string;
}

/**
 * The chaincodes of the channel, each definition with the block it counts from. Where Fabric writes a definition with a
 * transaction, the embedded ledger writes it between two blocks: peers and replays that validate a block by `at` its
 * number all come to the same result, also a peer that was away while a definition changed.
 */
export class DefinitionBook {
  readonly #path: string;
  readonly #disk: SmallFileDisk | undefined;
  #definitions: readonly DefinitionInForce[];
  readonly #lists = new WeakMap<ReadonlyMap<string, DefinitionInForce>, readonly DefinitionInForce[]>();
  /** By how many definitions count: asked for every block, and changed by none. */
  readonly #counting = new Map<number, ReadonlyMap<string, DefinitionInForce>>();

  private constructor(
    place: { readonly path: string; readonly disk: SmallFileDisk | undefined },
    definitions: readonly DefinitionInForce[],
  ) {
    this.#path = place.path;
    this.#disk = place.disk;
    this.#definitions = definitions;
  }

  /** @throws DefinitionError DEFINITIONS_UNREADABLE */
  static open(path: string, disk?: SmallFileDisk): DefinitionBook {
    return new DefinitionBook({ path, disk }, existsSync(path) ? readBook(path) : []);
  }

  /** The newest definition of each name that counts for a block of this number, or now. */
  at(blockNumber: number = Number.POSITIVE_INFINITY): ReadonlyMap<string, DefinitionInForce> {
    const counting = this.#definitions.filter(({ fromBlock }) => fromBlock <= blockNumber);
    const known = this.#counting.get(counting.length);
    if (known !== undefined) return known;
    // Later ones replace earlier ones: sequences of a name only grow.
    const byName = new Map(counting.map((definition) => [definition.name, definition]));
    this.#counting.set(counting.length, byName);
    return byName;
  }

  /** The same as a list; the same array as long as nothing changes. */
  listAt(blockNumber?: number): readonly DefinitionInForce[] {
    const byName = this.at(blockNumber);
    const known = this.#lists.get(byName);
    if (known !== undefined) return known;
    const list = [...byName.values()];
    this.#lists.set(byName, list);
    return list;
  }

  /** Every definition there was, in the order in which they were written. */
  all(): readonly DefinitionInForce[] {
    return this.#definitions;
  }

  /** The sequence that a definition of these terms has, or would get. */
  sequenceFor(terms: Omit<SignatureDefinition, 'sequence'>): number {
    const current = this.at().get(terms.name);
    if (current === undefined) return 1;
    return sameTerms(current, { ...terms, sequence: current.sequence }) ? current.sequence : current.sequence + 1;
  }

  /**
   * Whether the definition is the one in force already.
   *
   * @throws DefinitionError DEFINITION_SEQUENCE when it can neither be that nor the next one
   * @see Fabric core/chaincode/lifecycle/lifecycle.go, checkCommitReadiness, ApproveSignatureDefinitionForOrg
   */
  isInForce(definition: SignatureDefinition): boolean {
    const { name, sequence } = definition;
    const current = this.at().get(name);
    const next = (current?.sequence ?? 0) + 1;
    if (sequence === next) return false;
    if (current === undefined || sequence !== current.sequence) {
      throw sequenceFault(definition, `new definition must be sequence ${next}.`);
    }
    if (sameTerms(current, definition)) return true;
    throw sequenceFault(
      definition,
      `that sequence is committed with other parameters; take sequence ${next} for a change.`,
    );
  }

  /**
   * Writes a definition. Durable on return. Called while no block is being cut.
   *
   * @param fromBlock - the next block that will be cut
   */
  add(definition: SignatureDefinition, fromBlock: number): DefinitionInForce {
    const added = { ...definition, fromBlock };
    const definitions = [...this.#definitions, added];
    replaceFile(this.#path, textOf(definitions), PRIVATE_FILE_MODE, this.#disk);
    this.#definitions = definitions;
    return added;
  }
}

function sequenceFault({ name, sequence }: SignatureDefinition, detail: string): DefinitionError {
  return new DefinitionError('DEFINITION_SEQUENCE', `${name}: requested sequence is ${sequence}, but ${detail}`);
}

function textOf(definitions: readonly DefinitionInForce[]): string {
  const body = JSON.stringify(definitions.map(stored));
  return `${digestOf(body)}\n${body}\n`;
}

function readBook(path: string): DefinitionInForce[] {
  const text = readFileSync(path, 'utf8');
  const [digest = '', body = '', ...rest] = text.split('\n');
  if (digest !== digestOf(body) || rest.join('') !== '') {
    throw new DefinitionError(
      'DEFINITIONS_UNREADABLE',
      `${path} does not match the digest in its first line; bring it back from a copy of the data folder.`,
    );
  }
  return parseStored(body).map(restored);
}

function digestOf(body: string): string {
  return createHash('sha256').update(`devledger-definitions\n${body}`).digest('hex');
}

/** The digest has shown that this process, or an earlier one, wrote it. */
function parseStored(body: string): StoredDefinition[] {
  return JSON.parse(body) as StoredDefinition[];
}

function stored({ endorsementPolicy, collections, ...plain }: DefinitionInForce): StoredDefinition {
  return {
    ...plain,
    endorsementPolicy: base64(endorsementPolicy.serializeBinary()),
    ...(collections === undefined ? {} : { collections: base64(collections.serializeBinary()) }),
  };
}

function restored({ endorsementPolicy, collections, ...plain }: StoredDefinition): DefinitionInForce {
  return {
    ...plain,
    endorsementPolicy: parseMessage(common.SignaturePolicyEnvelope, Buffer.from(endorsementPolicy, 'base64')),
    collections:
      collections === undefined
        ? undefined
        : parseMessage(peer.CollectionConfigPackage, Buffer.from(collections, 'base64')),
  };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
