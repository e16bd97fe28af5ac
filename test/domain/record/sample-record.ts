import type { StoredRecord } from '@medledger/chaincode/domain';

export function sampleRecord(changes: Partial<StoredRecord> = {}): StoredRecord {
  return {
    class: 'Observation',
    label: 'N',
    dateMs: 1_700_000_000_000,
    sha256: '0c'.repeat(32),
    sizeBytes: 1234,
    cid: 'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
    commitment: '0d'.repeat(32),
    ...changes,
  };
}
