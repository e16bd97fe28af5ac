import { peer } from '@hyperledger/fabric-protos';
import type { Version } from '../peer-ledger.js';
import { type MerkleSummary, RangeSummary, sameSummary } from '../endorse/range-summary.js';
import { kvRead } from '../endorse/read-write-set.js';
import type { KeyVersion, StateReader } from '../store/state-reader.js';
import { definitionKeys, LIFECYCLE_NAMESPACE } from './chaincode-definition.js';
import type { KeyRead, NamespaceSet, RangeQuery } from './read-write-sets.js';
import { hashNamespace } from './state-namespaces.js';
import type { UpdateBatch } from './update-batch.js';

const { TxValidationCode } = peer;

/** Versions, before the block, of every key that some transaction of the block read. */
export class CommittedVersions {
  readonly #versions = new Map<string, Version | undefined>();

  /** @param definitions - for each chaincode that is defined, the version of its definition */
  static async load(
    state: StateReader,
    sets: readonly NamespaceSet[],
    definitions: ReadonlyMap<string, Version>,
  ): Promise<CommittedVersions> {
    const names = new Map(
      sets
        .flatMap(allReads)
        .flatMap(({ namespace, reads }) =>
          (namespace === LIFECYCLE_NAMESPACE ? [] : reads).map(
            ({ key }) => [`${namespace}\u0000${key}`, { namespace, key }] as const,
          ),
        ),
    );
    const versions = await state.versions([...names.values()]);
    const loaded = new CommittedVersions();
    for (const [index, name] of [...names.keys()].entries()) loaded.#versions.set(name, versions[index]);
    for (const [chaincode, version] of definitions) {
      for (const key of definitionKeys(chaincode)) loaded.#versions.set(`${LIFECYCLE_NAMESPACE}\u0000${key}`, version);
    }
    return loaded;
  }

  of(namespace: string, key: string): Version | undefined {
    return this.#versions.get(`${namespace}\u0000${key}`);
  }
}

/**
 * Whether what a transaction read is still so, after the valid transactions before it in the same block.
 *
 * @returns VALID, MVCC_READ_CONFLICT or PHANTOM_READ_CONFLICT
 * @see Fabric core/ledger/kvledger/txmgmt/validation/validator.go, validateTx
 */
export async function findConflict(
  sets: readonly NamespaceSet[],
  before: { readonly state: StateReader; readonly versions: CommittedVersions; readonly updates: UpdateBatch },
): Promise<number> {
  for (const set of sets) {
    const code = await findConflictIn(set, before);
    if (code !== TxValidationCode.VALID) return code;
  }
  return TxValidationCode.VALID;
}

type Before = Parameters<typeof findConflict>[1];

async function findConflictIn(set: NamespaceSet, before: Before): Promise<number> {
  const [publicReads, ...hashedReads] = allReads(set);
  if (publicReads !== undefined && !areCurrent(publicReads, before)) return TxValidationCode.MVCC_READ_CONFLICT;
  for (const query of set.rangeQueries) {
    if (!(await sameRows(set.namespace, query, before))) return TxValidationCode.PHANTOM_READ_CONFLICT;
  }
  const areHashesCurrent = hashedReads.every((reads) => areCurrent(reads, before));
  return areHashesCurrent ? TxValidationCode.VALID : TxValidationCode.MVCC_READ_CONFLICT;
}

interface NamespaceReads {
  readonly namespace: string;
  readonly reads: readonly KeyRead[];
}

/** Public reads, then those of private keys by their hashes. */
function allReads({ namespace, reads, collections }: NamespaceSet): NamespaceReads[] {
  return [
    { namespace, reads },
    ...collections.map((set) => ({ namespace: hashNamespace(namespace, set.collection), reads: set.reads })),
  ];
}

function areCurrent(
  { namespace, reads }: NamespaceReads,
  before: { readonly versions: CommittedVersions; readonly updates: UpdateBatch },
): boolean {
  return reads.every(
    ({ key, version }) =>
      !before.updates.has(namespace, key) && sameVersion(before.versions.of(namespace, key), version),
  );
}

async function sameRows(
  namespace: string,
  query: RangeQuery,
  before: { readonly state: StateReader; readonly updates: UpdateBatch },
): Promise<boolean> {
  // Whoever stopped early recorded the last key seen: up to it, and with it, the rows must be the same.
  const { startKey, endKey } = query;
  const includeEnd = !query.exhausted;
  const deleted = new Set<string>();
  for (const { key, value } of before.updates.inRange({ namespace, startKey, endKey, includeEnd })) {
    // A write gives its key a new version; only deleting what was not there changes nothing.
    if (value !== undefined) return false;
    deleted.add(key);
  }
  const rows = before.state.rangeVersions(namespace, startKey, endKey, includeEnd);
  return 'merkle' in query.found
    ? sameHashes(rows, query.found.merkle, deleted)
    : sameReads(rows, query.found.reads, deleted);
}

async function sameReads(
  rows: AsyncIterable<KeyVersion>,
  reads: readonly KeyRead[],
  deleted: ReadonlySet<string>,
): Promise<boolean> {
  let seen = 0;
  for await (const row of rows) {
    if (deleted.has(row.key) || !sameRow(row, reads[seen])) return false;
    seen += 1;
  }
  return seen === reads.length;
}

async function sameHashes(
  rows: AsyncIterable<KeyVersion>,
  merkle: MerkleSummary,
  deleted: ReadonlySet<string>,
): Promise<boolean> {
  const summary = new RangeSummary();
  for await (const row of rows) {
    if (deleted.has(row.key)) return false;
    summary.add(kvRead(row.key, row.version));
  }
  const found = summary.finish();
  return 'merkle' in found && sameSummary(found.merkle, merkle);
}

function sameRow(row: KeyVersion, read: KeyRead | undefined): boolean {
  return read !== undefined && read.key === row.key && sameVersion(row.version, read.version);
}

function sameVersion(left: Version | undefined, right: Version | undefined): boolean {
  return left?.blockNumber === right?.blockNumber && left?.txNumber === right?.txNumber;
}
