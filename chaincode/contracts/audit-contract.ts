import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerAnyone, answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { findEntry, findHead, findLanes, pageOfHistory } from './audit/audit-queries.js';
import { announceLogReading } from './audit/read-log.js';
import { verifyLane } from './audit/verify-lane.js';

/** The lanes: where they end, what they hold, whether they are whole. Arguments and answers: domain/calls.ts. */
@Info({ title: 'audit', description: 'The lanes: where they end, what they hold, whether they are whole' })
export class AuditContract extends Contract {
  constructor() {
    super('audit');
  }

  /**
   * An auditor announces a reading of a patient's log, which then is open to it for LOG_READING_MAX_MS.
   *
   * @throws DomainError ROLE_NOT_ALLOWED
   */
  @Transaction()
  @Returns('string')
  public async readLog(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'audit:readLog', businessJson, proofJson }, announceLogReading);
  }

  /**
   * The end of the caller's own lane.
   *
   * @throws DomainError PATIENT_UNKNOWN, CALLER_UNKNOWN
   */
  @Transaction(false)
  @Returns('string')
  public async head(ctx: Context, inputJson: string): Promise<string> {
    return answerAnyone(ctx, { name: 'audit:head', inputJson }, findHead);
  }

  /** @throws DomainError ROLE_NOT_ALLOWED, LOG_READING_NOT_LOGGED, CHAIN_BROKEN */
  @Transaction(false)
  @Returns('string')
  public async entry(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'audit:entry', inputJson }, findEntry);
  }

  /** @throws DomainError ROLE_NOT_ALLOWED, CHAIN_BROKEN */
  @Transaction(false)
  @Returns('string')
  public async lanes(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'audit:lanes', inputJson }, findLanes);
  }

  /** @throws DomainError ROLE_NOT_ALLOWED, LOG_READING_NOT_LOGGED, CHAIN_BROKEN */
  @Transaction(false)
  @Returns('string')
  public async history(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'audit:history', inputJson }, pageOfHistory);
  }

  /**
   * Up to VERIFY_ENTRIES_PER_CALL_MAX entries of one lane, recomputed.
   *
   * @throws DomainError ROLE_NOT_ALLOWED
   */
  @Transaction(false)
  @Returns('string')
  public async verifyLane(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'audit:verifyLane', inputJson }, verifyLane);
  }
}
