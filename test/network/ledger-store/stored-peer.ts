import { readFileSync, writeFileSync } from 'node:fs';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { CHAINCODE } from '../ledger-support.js';

/** What two peers must agree on, and one with itself over a restart. Hashes in hex. */
export interface Tip {
  readonly height: number;
  readonly headerHash: string;
  readonly previousHash: string;
  readonly commitHash: string;
}

export function tipOf(ledger: PeerLedger): Tip {
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
  return {
    height: ledger.height(),
    headerHash: hex(ledger.currentBlockHash()),
    previousHash: hex(ledger.previousBlockHash()),
    commitHash: hex(ledger.commitHash()),
  };
}

/** Values of a key, the newest first; `deleted` where it was. */
export async function historyOf(ledger: PeerLedger, key: string): Promise<string[]> {
  const values: string[] = [];
  for await (const { value, isDelete } of ledger.history(CHAINCODE, key)) {
    values.push(isDelete ? 'deleted' : Buffer.from(value).toString());
  }
  return values;
}

/** Changes one bit of a file; a negative offset counts from its end. */
export function flipIn(path: string, offset: number): void {
  const bytes = readFileSync(path);
  const place = offset < 0 ? bytes.length + offset : offset;
  bytes.writeUInt8(bytes.readUInt8(place) ^ 1, place);
  writeFileSync(path, bytes);
}
