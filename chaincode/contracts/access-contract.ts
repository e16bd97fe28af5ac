import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { countUnreviewed, pageOfEmergencies } from './access/emergency-queries.js';
import { openInEmergency } from './access/open-in-emergency.js';
import { openReads, openRecords } from './access/open-records.js';
import { reviewEmergency } from './access/review-emergency.js';

/** The decision about each opening, written before anybody can decrypt. Arguments: domain/calls.ts. */
@Info({ title: 'access', description: 'The decision about each opening, written before anybody can decrypt' })
export class AccessContract extends Contract {
  constructor() {
    super('access');
  }

  /**
   * Up to OPENINGS_PER_CALL_MAX records of one patient for one purpose; each permit and each refusal is written.
   *
   * @throws DomainError INPUT_INVALID, JSON_INVALID
   */
  @Transaction()
  @Returns('string')
  public async open(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'access:open', businessJson, proofJson }, openRecords, openReads);
  }

  /**
   * A doctor or nurse declares an emergency, or goes on within one, and opens what the patient's policy allows then;
   * the patient is told in the same transaction. Solved at DIFFICULTY_MIN.
   *
   * @throws DomainError ROLE_NOT_ALLOWED, STATEMENT_INVALID, SIGNATURE_INVALID, VERSION_CONFLICT, INPUT_INVALID
   */
  @Transaction()
  @Returns('string')
  public async emergency(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'access:emergency', businessJson, proofJson }, openInEmergency);
  }

  /**
   * A second person says whether an emergency was one; once.
   *
   * @throws DomainError ROLE_NOT_ALLOWED, EMERGENCY_UNKNOWN, REQUEST_CLOSED
   */
  @Transaction()
  @Returns('string')
  public async review(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'access:review', businessJson, proofJson }, reviewEmergency);
  }

  /** For the patient and its representatives all; for others those they declared or may review. */
  @Transaction(false)
  @Returns('string')
  public async emergencies(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'access:emergencies', inputJson }, pageOfEmergencies);
  }

  @Transaction(false)
  @Returns('string')
  public async unreviewed(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'access:unreviewed', inputJson }, countUnreviewed);
  }
}
