import {
  parseTransactionInput,
  type PatientId,
  recordDigest,
  recordSetStatement,
  type SetId,
  type SignedStatement,
  type StoredRecord,
} from '@medledger/chaincode/domain';
import { type Authority, SignedStatements } from '../../gateway/custody/signed-statements.js';
import type { Decision } from './check-entry.js';
import type { SignedCase } from './check-statements.js';

interface Spoken {
  readonly signed: SignedStatement;
  readonly by: Authority;
}

/**
 * What the call itself brought was signed by who may say it: the patient, who was appointed to speak for it, who
 * passes on what it holds, who declares an emergency.
 *
 * @throws DomainError EVIDENCE_INVALID, REGISTER_SIGNATURES_MISSING
 */
export function requireSpoken(given: SignedCase, decision: Decision): void {
  const statements = new SignedStatements(given);
  for (const { signed, by } of spokenIn(decision)) statements.require(signed, by);
}

function spokenIn(decision: Decision): readonly Spoken[] {
  const { name, businessJson } = decision;
  const patient = { kind: 'patient' } as const;
  switch (name) {
    case 'members:registerPatient': {
      const { policy } = parseTransactionInput(name, businessJson);
      return policy === undefined ? [] : [{ signed: policy, by: { kind: 'patient alone' } }];
    }
    case 'consents:grant':
    case 'consents:alter':
    case 'consents:approve':
      return [{ signed: parseTransactionInput(name, businessJson).grant, by: patient }];
    case 'consents:setPolicy':
      return [{ signed: parseTransactionInput(name, businessJson).policy, by: patient }];
    case 'consents:setGroup':
      return [{ signed: parseTransactionInput(name, businessJson).group, by: patient }];
    case 'consents:appoint':
      return [{ signed: parseTransactionInput(name, businessJson).representation, by: { kind: 'patient alone' } }];
    default:
      return spokenByMember(decision);
  }
}

/** What a member signed with the own key, also where it speaks for nobody but itself. */
function spokenByMember({ name, businessJson, entry }: Decision): readonly Spoken[] {
  const { memberId } = entry;
  switch (name) {
    case 'consents:delegate':
      return [{ signed: parseTransactionInput(name, businessJson).delegation, by: { kind: 'person', memberId } }];
    case 'consents:revoke':
      return [
        { signed: parseTransactionInput(name, businessJson).revocation, by: { kind: 'person or patient', memberId } },
      ];
    case 'records:add': {
      const { record, ...set } = parseTransactionInput(name, businessJson);
      return [authored(entry, { ...set, records: [record] })];
    }
    case 'records:addBatch': {
      const { sets, patientId } = parseTransactionInput(name, businessJson);
      return sets.map((set) => authored(entry, { ...set, patientId }));
    }
    case 'access:emergency':
      return [{ signed: parseTransactionInput(name, businessJson).declaration, by: { kind: 'person', memberId } }];
    default:
      return [];
  }
}

/** The author's signature over the digests of a set. */
function authored(
  { channel, memberId: authorId }: Decision['entry'],
  set: {
    readonly patientId: PatientId;
    readonly setId: SetId;
    readonly records: readonly StoredRecord[];
    readonly authorSignature: string;
  },
): Spoken {
  const { patientId, setId, records, authorSignature: signature } = set;
  const digests = records.map(recordDigest);
  const text = recordSetStatement({ channel, patientId, authorId, setId, digests });
  const by: Authority = authorId === patientId ? { kind: 'patient alone' } : { kind: 'person', memberId: authorId };
  return { signed: { text, signature }, by };
}
