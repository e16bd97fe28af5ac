import { ledger } from '@hyperledger/fabric-protos';
import type { KeyValue, StateSnapshot } from '../peer-ledger.js';
import { DEGREE_MAX, type MerkleSummary, RangeSummary } from './range-summary.js';
import { kvRead } from './read-write-set.js';

/**
 * One range query of a simulation. It remembers what it handed out, so that at commit a key that appeared in or
 * vanished from the scanned part of the range is noticed as a phantom.
 *
 * @see Fabric core/ledger/kvledger/txmgmt/txmgr/query_executor.go, resultsItr
 */
export class RangeScan {
  readonly #startKey: string;
  readonly #endKey: string;
  readonly #rows: AsyncIterator<KeyValue>;
  readonly #summary = new RangeSummary();
  /** Last key handed out: whoever stops early is not protected from phantoms beyond it. */
  #lastKey = '';
  #exhausted = false;

  constructor(snapshot: StateSnapshot, range: { namespace: string; startKey: string; endKey: string }) {
    this.#startKey = range.startKey;
    this.#endKey = range.endKey;
    this.#rows = snapshot.range(range.namespace, range.startKey, range.endKey)[Symbol.asyncIterator]();
  }

  /** @returns undefined at the end of the range */
  async next(): Promise<KeyValue | undefined> {
    const result = await this.#rows.next();
    if (result.done === true) {
      this.#exhausted = true;
      return undefined;
    }
    this.#lastKey = result.value.key;
    this.#summary.add(kvRead(result.value.key, result.value.version));
    return result.value;
  }

  /** Key after the last one handed out, without recording it as read; empty at the end of the range. */
  async bookmark(): Promise<string> {
    const result = await this.#rows.next();
    return result.done === true ? '' : result.value.key;
  }

  async close(): Promise<void> {
    await this.#rows.return?.();
  }

  /** What the validator scans again at commit; call once, when the simulation is over. */
  rangeQueryInfo(): ledger.rwset.kvrwset.RangeQueryInfo {
    const info = new ledger.rwset.kvrwset.RangeQueryInfo();
    info.setStartKey(this.#startKey);
    info.setEndKey(this.#exhausted ? this.#endKey : this.#lastKey);
    info.setItrExhausted(this.#exhausted);
    const found = this.#summary.finish();
    if ('merkle' in found) info.setReadsMerkleHashes(merkleMessage(found.merkle));
    else if (found.rows.length > 0) {
      const reads = new ledger.rwset.kvrwset.QueryReads();
      reads.setKvReadsList([...found.rows]);
      info.setRawReads(reads);
    }
    return info;
  }
}

function merkleMessage({ level, hashes }: MerkleSummary): ledger.rwset.kvrwset.QueryReadsMerkleSummary {
  const message = new ledger.rwset.kvrwset.QueryReadsMerkleSummary();
  message.setMaxDegree(DEGREE_MAX);
  message.setMaxLevel(level);
  message.setMaxLevelHashesList([...hashes]);
  return message;
}
