import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerAnyone, answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { addBatchReads, addReads, addRecord, addRecordBatch } from './records/add-records.js';
import { listRecords } from './records/list-records.js';
import { describeRecords, locateRecords } from './records/named-records.js';
import { findOrigin } from './records/record-origin.js';
import { listVersions } from './records/record-versions.js';

/** Digests and pointers of records. Arguments and answers: domain/calls.ts, domain/answers.ts. */
@Info({ title: 'records', description: 'Digests and pointers of records' })
export class RecordContract extends Contract {
  constructor() {
    super('records');
  }

  /**
   * One record; a refusal is an outcome.
   *
   * @throws DomainError RECORD_EXISTS, ROLE_NOT_ALLOWED, SIGNATURE_INVALID, RECORD_UNKNOWN, VERSION_CONFLICT
   */
  @Transaction()
  @Returns('string')
  public async add(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'records:add', businessJson, proofJson }, addRecord, addReads);
  }

  /**
   * Up to RECORDS_PER_BATCH_MAX records in one entry, all or none.
   *
   * @throws DomainError RECORD_EXISTS, ROLE_NOT_ALLOWED, SIGNATURE_INVALID, RECORD_UNKNOWN, VERSION_CONFLICT
   */
  @Transaction()
  @Returns('string')
  public async addBatch(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'records:addBatch', businessJson, proofJson }, addRecordBatch, addBatchReads);
  }

  /** Metadata that the caller may know of; empty for everybody else. */
  @Transaction(false)
  @Returns('string')
  public async list(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'records:list', inputJson }, listRecords);
  }

  /** Metadata of named records that the caller may know of. */
  @Transaction(false)
  @Returns('string')
  public async metadata(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'records:metadata', inputJson }, describeRecords);
  }

  /**
   * Versions and disputes around one record that the caller may know of.
   *
   * @throws DomainError RECORD_UNKNOWN
   */
  @Transaction(false)
  @Returns('string')
  public async versions(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'records:versions', inputJson }, listVersions);
  }

  /**
   * Who signed a record that the caller may know of.
   *
   * @throws DomainError RECORD_UNKNOWN
   */
  @Transaction(false)
  @Returns('string')
  public async origin(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'records:origin', inputJson }, findOrigin);
  }

  /** Whose records these are. */
  @Transaction(false)
  @Returns('string')
  public async locate(ctx: Context, inputJson: string): Promise<string> {
    return answerAnyone(ctx, { name: 'records:locate', inputJson }, locateRecords);
  }
}
