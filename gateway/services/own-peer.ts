import { canonicalJson, DomainError, type EvidenceAnswer } from '@medledger/chaincode/domain';
import type { OwnPeer } from '../custody/custodian.js';
import type { Ledger, LedgerIdentity } from '../ledger/ledger.js';
import { creatorSigned } from '../ledger/envelope-signature.js';

const COMMIT_WAIT_MS = 10_000;

/**
 * What a custodian knows of the chain: its own organisation's peer, asked with the custodian's own identity.
 * Without the organisation being named the peer's gateway would silently ask others.
 */
export function ownPeer(ledger: Ledger, identity: LedgerIdentity): OwnPeer {
  const target = { endorsingOrganizations: [identity.mspId] };
  return {
    async committedTransaction(transactionId) {
      await ledger.commitStatusOf(identity, transactionId, { deadlineMs: COMMIT_WAIT_MS });
      const found = await ledger.transactionById(identity, transactionId);
      const { creator } = found;
      if (creator.keyHash === undefined || !creatorSigned(found))
        throw new DomainError('EVIDENCE_INVALID', 'the creator did not sign the envelope');
      return {
        transactionId,
        validationCode: found.validationCode,
        channel: found.channel,
        chaincode: found.chaincode ?? '',
        transaction: found.transaction ?? '',
        args: found.args,
        answer: found.response,
        timestampMs: found.timestampMs,
        creatorKeyHash: creator.keyHash,
        ...(creator.memberId === undefined ? {} : { creatorMemberId: creator.memberId }),
      };
    },
    async evidence(input) {
      const answer = await ledger.evaluate(identity, 'consents:evidence', [canonicalJson(input)], target);
      return JSON.parse(answer) as EvidenceAnswer;
    },
  };
}
