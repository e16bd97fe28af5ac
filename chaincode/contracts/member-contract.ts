import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { answerAnyone, answerMember } from '../state/answer-query.js';
import { extendLane } from '../state/extend-lane.js';
import { bootstrapRegister } from './members/bootstrap-register.js';
import { extendRegister } from './members/extend-register.js';
import { describeConsortium, findMember, pageOfStaff } from './members/member-queries.js';
import { registerPatient } from './members/register-patient.js';

/** Who belongs to the consortium, and with which keys. Arguments and answers: domain/calls.ts, domain/answers.ts. */
@Info({ title: 'members', description: 'Who belongs to the consortium, and with which keys' })
export class MemberContract extends Contract {
  constructor() {
    super('members');
  }

  /**
   * The channel's first register; once. Its proof is empty.
   *
   * @throws DomainError ALREADY_BOOTSTRAPPED, REGISTER_SIGNATURES_MISSING, CALLER_UNKNOWN, ROLE_NOT_ALLOWED
   */
  @Transaction()
  @Returns('string')
  public async bootstrap(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return bootstrapRegister(ctx, businessJson, proofJson);
  }

  /**
   * Adds members, agencies and organisations that two stored organisations have signed; by an admin.
   *
   * @throws DomainError REGISTER_SIGNATURES_MISSING, VERSION_CONFLICT, MEMBER_EXISTS, MEMBER_UNKNOWN
   */
  @Transaction()
  @Returns('string')
  public async register(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'members:register', businessJson, proofJson }, extendRegister);
  }

  /**
   * Pins a patient's keys, begins the patient's lane and states its first policy; by the patient.
   *
   * @throws DomainError MEMBER_EXISTS, CALLER_UNKNOWN, ROLE_NOT_ALLOWED, STATEMENT_INVALID, SIGNATURE_INVALID
   */
  @Transaction()
  @Returns('string')
  public async registerPatient(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return registerPatient(ctx, businessJson, proofJson);
  }

  /** @throws DomainError MEMBER_UNKNOWN */
  @Transaction(false)
  @Returns('string')
  public async member(ctx: Context, inputJson: string): Promise<string> {
    return answerAnyone(ctx, { name: 'members:member', inputJson }, findMember);
  }

  /** Staff of all agencies, or of one. */
  @Transaction(false)
  @Returns('string')
  public async staff(ctx: Context, inputJson: string): Promise<string> {
    return answerMember(ctx, { name: 'members:staff', inputJson }, pageOfStaff);
  }

  /** @throws DomainError NOT_BOOTSTRAPPED */
  @Transaction(false)
  @Returns('string')
  public async consortium(ctx: Context, inputJson: string): Promise<string> {
    return answerAnyone(ctx, { name: 'members:consortium', inputJson }, describeConsortium);
  }
}
