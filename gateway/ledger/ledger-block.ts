/** Plain data of a block, free of protobuf classes. Hashes are lower-case hex. */
export interface LedgerBlock {
  readonly number: number;
  /** Header hash of the block before; empty for block 0. */
  readonly previousHash: string;
  readonly dataHash: string;
  /** SHA-256 of the DER sequence of number, previous hash and data hash. */
  readonly headerHash: string;
  readonly transactions: readonly LedgerTransaction[];
}

export interface LedgerTransaction {
  /** Empty where the envelope could not be read. */
  readonly txId: string;
  /** Place in the block; -1 where it was read by its id. */
  readonly index: number;
  /** Fabric's name, e.g. VALID. */
  readonly validationCode: string;
  /** What the client claimed. */
  readonly timestampMs: number;
  readonly channel: string;
  /** Fabric's channel header type: an application's transaction, a configuration, or bytes that are neither. */
  readonly kind: 'endorser' | 'config' | 'unreadable';
  readonly creator: TransactionCreator;
  readonly chaincode?: string;
  /** Contract and function, e.g. `records:add`. */
  readonly transaction?: string;
  /** Arguments after the function, as text. */
  readonly args: readonly string[];
  readonly endorserMspIds: readonly string[];
  /** What the chaincode answered. */
  readonly response: string;
  /** Keys of the called chaincode's own namespace. */
  readonly writes: readonly StateWrite[];
  /** The envelope, as signed: `creatorSigned` checks it. */
  readonly payload: Uint8Array;
  readonly signature: Uint8Array;
}

export interface TransactionCreator {
  readonly mspId: string;
  readonly certificatePem: string;
  /** From the certificate's Fabric attributes; services and peers have none. */
  readonly memberId?: string;
  /** SHA-256 of the SubjectPublicKeyInfo; absent where the certificate cannot be read. */
  readonly keyHash?: string;
}

export interface StateWrite {
  readonly key: string;
  readonly isDelete: boolean;
  /** Canonical JSON in this product; empty for a deletion. */
  readonly value: string;
}
