import { Context, Contract, Info, Returns, Transaction } from 'fabric-contract-api';
import { extendLane } from '../state/extend-lane.js';
import { openRecords } from './access/open-records.js';

/** The decision about each opening, written before anybody can decrypt. Arguments: domain/calls.ts. */
@Info({ title: 'access', description: 'The decision about each opening, written before anybody can decrypt' })
export class AccessContract extends Contract {
  constructor() {
    super('access');
  }

  /**
   * Up to OPENINGS_PER_CALL_MAX records of one patient for one purpose; each permit and each refusal is written.
   *
   * @throws DomainError ROLE_NOT_ALLOWED
   */
  @Transaction()
  @Returns('string')
  public async open(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
    return extendLane(ctx, { transaction: 'access:open', businessJson, proofJson }, openRecords);
  }
}
