import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerAnyone, answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { alterGrant } from './consents/alter-grant.js';
import { announceMembership } from './consents/announce-membership.js';
import { approveRequest, refuseRequest } from './consents/answer-request.js';
import { appointRepresentative } from './consents/appoint-representative.js';
import {
  findConsentsForCaller,
  findRequest,
  gatherConsents,
  locateGrant,
  pageOfGrants,
  pageOfNotices,
  pageOfRequests,
} from './consents/consent-queries.js';
import { delegateGrant } from './consents/delegate-grant.js';
import { gatherEvidence } from './consents/gather-evidence.js';
import { giveGrant } from './consents/give-grant.js';
import { requestAccess } from './consents/request-access.js';
import { revoke } from './consents/revoke.js';
import { setGroup } from './consents/set-group.js';
import { setPolicy } from './consents/set-policy.js';

/**
 * What patients gave, took back and were asked for. Arguments and answers: domain/calls.ts, domain/answers.ts. What is
 * said for a patient, the patient signs, or a representative with the own key, whom the entry then names.
 */
@Info({ title: 'consents', description: 'What patients gave, took back and were asked for' })
export class ConsentContract extends Contract {
  constructor() {
    super('consents');
  }

  /**
   * Staff asks a patient, for itself or for somebody who is to receive it.
   *
   * @throws DomainError ROLE_NOT_ALLOWED, REQUEST_EXISTS, INPUT_INVALID, MEMBER_UNKNOWN
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
   * The patient gives access by a signed statement.
   *
   * @throws DomainError NOT_THE_PATIENT, STATEMENT_INVALID, SIGNATURE_INVALID, VERSION_CONFLICT, GRANT_EXISTS,
   * MEMBER_UNKNOWN, GROUP_UNKNOWN, TOO_MANY_GRANTS, INPUT_INVALID
   */
  @Transaction()
  @Returns('string')
  public async grant(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:grant', businessJson, proofJson }, giveGrant);
  }

  /**
   * A new version of a stored grant, to the same grantee.
   *
   * @throws DomainError GRANT_UNKNOWN, GRANT_REVOKED, and what `grant` throws
   */
  @Transaction()
  @Returns('string')
  public async alter(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:alter', businessJson, proofJson }, alterGrant);
  }

  /**
   * Takes back a grant, a delegation or a representation, once and for all.
   *
   * @throws DomainError NOT_THE_PATIENT, GRANT_UNKNOWN, DELEGATION_UNKNOWN, REPRESENTATION_UNKNOWN, GRANT_REVOKED,
   * VERSION_CONFLICT, STATEMENT_INVALID, SIGNATURE_INVALID
   */
  @Transaction()
  @Returns('string')
  public async revoke(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:revoke', businessJson, proofJson }, revoke);
  }

  /**
   * What holds where no grant speaks: default, emergencies, exclusions.
   *
   * @throws DomainError NOT_THE_PATIENT, GROUP_UNKNOWN, STATEMENT_INVALID, SIGNATURE_INVALID, VERSION_CONFLICT, INPUT_INVALID
   */
  @Transaction()
  @Returns('string')
  public async setPolicy(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:setPolicy', businessJson, proofJson }, setPolicy);
  }

  /**
   * Names, or names anew, the members of an own group.
   *
   * @throws DomainError NOT_THE_PATIENT, MEMBER_UNKNOWN, TOO_MANY_GRANTS, STATEMENT_INVALID, SIGNATURE_INVALID,
   * VERSION_CONFLICT
   */
  @Transaction()
  @Returns('string')
  public async setGroup(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:setGroup', businessJson, proofJson }, setGroup);
  }

  /**
   * The patient alone says who acts for it.
   *
   * @throws DomainError NOT_THE_PATIENT, MEMBER_UNKNOWN, TOO_MANY_GRANTS, INPUT_INVALID, STATEMENT_INVALID,
   * SIGNATURE_INVALID, VERSION_CONFLICT
   */
  @Transaction()
  @Returns('string')
  public async appoint(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:appoint', businessJson, proofJson }, appointRepresentative);
  }

  /**
   * A delegate passes on what it may pass on, once.
   *
   * @throws DomainError GRANT_UNKNOWN, MEMBER_UNKNOWN, TOO_MANY_GRANTS, INPUT_INVALID, STATEMENT_INVALID,
   * SIGNATURE_INVALID, VERSION_CONFLICT
   */
  @Transaction()
  @Returns('string')
  public async delegate(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:delegate', businessJson, proofJson }, delegateGrant);
  }

  /**
   * A member who joined what the patient trusts tells the patient so.
   *
   * @throws DomainError ROLE_NOT_ALLOWED
   */
  @Transaction()
  @Returns('string')
  public async announce(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'consents:announce', businessJson, proofJson }, announceMembership);
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

  /** @throws DomainError NOT_THE_PATIENT */
  @Transaction(false)
  @Returns('string')
  public async all(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:all', inputJson }, gatherConsents);
  }

  /** @throws DomainError PATIENT_UNKNOWN */
  @Transaction(false)
  @Returns('string')
  public async mine(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:mine', inputJson }, findConsentsForCaller);
  }

  /** @throws DomainError NOT_THE_PATIENT */
  @Transaction(false)
  @Returns('string')
  public async notices(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'consents:notices', inputJson }, pageOfNotices);
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
