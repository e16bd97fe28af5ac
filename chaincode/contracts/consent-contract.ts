import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerAnyone, answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { approveRequest, refuseRequest } from './consents/answer-request.js';
import { findRequest, gatherEvidence, locateGrant, pageOfGrants, pageOfRequests } from './consents/consent-queries.js';
import { giveGrant } from './consents/give-grant.js';
import { requestAccess } from './consents/request-access.js';
import { revokeGrant } from './consents/revoke-grant.js';

/** What patients gave, took back and were asked for. Arguments and answers: domain/calls.ts, domain/answers.ts. */
@Info({ title: 'consents', description: 'What patients gave, took back and were asked for' })
export class ConsentContract extends Contract {
  constructor() {
    super('consents');
  }

  /**
   * Staff asks a patient.
   *
   * @throws DomainError ROLE_NOT_ALLOWED, REQUEST_EXISTS, INPUT_INVALID
   */
  @Transaction()
  @Returns('string')
  public async request(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:request', businessJson, proofJson }, requestAccess);
  }

  /**
   * The patient gives what was asked for, or less, by a signed grant.
   *
   * @throws DomainError NOT_THE_PATIENT, REQUEST_UNKNOWN, REQUEST_CLOSED, and what `grant` throws
   */
  @Transaction()
  @Returns('string')
  public async approve(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:approve', businessJson, proofJson }, approveRequest);
  }

  /** @throws DomainError NOT_THE_PATIENT, REQUEST_UNKNOWN, REQUEST_CLOSED */
  @Transaction()
  @Returns('string')
  public async refuse(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:refuse', businessJson, proofJson }, refuseRequest);
  }

  /**
   * The patient gives access by a statement signed with its pinned key.
   *
   * @throws DomainError NOT_THE_PATIENT, STATEMENT_INVALID, SIGNATURE_INVALID, VERSION_CONFLICT, GRANT_EXISTS,
   * MEMBER_UNKNOWN, TOO_MANY_GRANTS, INPUT_INVALID
   */
  @Transaction()
  @Returns('string')
  public async grant(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:grant', businessJson, proofJson }, giveGrant);
  }

  /**
   * The patient takes a grant back.
   *
   * @throws DomainError NOT_THE_PATIENT, GRANT_UNKNOWN, GRANT_REVOKED, VERSION_CONFLICT, SIGNATURE_INVALID
   */
  @Transaction()
  @Returns('string')
  public async revoke(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:revoke', businessJson, proofJson }, revokeGrant);
  }

  /** @throws DomainError NOT_THE_PATIENT */
  @Transaction(false)
  @Returns('string')
  public async grants(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:grants', inputJson }, pageOfGrants);
  }

  /** @throws DomainError NOT_THE_PATIENT, ROLE_NOT_ALLOWED */
  @Transaction(false)
  @Returns('string')
  public async requests(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:requests', inputJson }, pageOfRequests);
  }

  /** @throws DomainError REQUEST_UNKNOWN, NOT_THE_PATIENT */
  @Transaction(false)
  @Returns('string')
  public async accessRequest(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:accessRequest', inputJson }, findRequest);
  }

  /** @throws DomainError GRANT_UNKNOWN */
  @Transaction(false)
  @Returns('string')
  public async locateGrant(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:locateGrant', inputJson }, locateGrant);
  }

  /** For custodians, who are in no register. */
  @Transaction(false)
  @Returns('string')
  public async evidence(ctx: Context, inputJson: string): Promise<string> {
    return answerAnyone(ctx, { name: 'consents:evidence', inputJson }, gatherEvidence);
  }
}
