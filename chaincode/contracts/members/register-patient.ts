import type { Context } from 'fabric-contract-api';
import {
  DomainError,
  firstHead,
  type Member,
  mspId as parseMspId,
  parsePolicyStatement,
  parseTransactionInput,
  patientGenesis,
  patientIdOf,
  type SignedStatement,
  type TransactionInput,
} from '../../domain/index.js';
import type { Caller } from '../../state/caller.js';
import { commitEntry, requireSolved } from '../../state/lane-call.js';
import { readHead } from '../../state/lane-store.js';
import { proposalOf } from '../../state/proposal.js';
import { memberWrite, readMember, readOrganisation } from '../../state/register-store.js';
import { inForce, policyWrite } from '../../state/statement-store.js';
import type { WorldState } from '../../state/world-state.js';
import { requirePolicyBody } from '../consents/set-policy.js';
import { requireNext, requireSignedBy } from '../signed-statement.js';

const TRANSACTION = 'members:registerPatient';
const FIRST_KEY_EPOCH = 0;

type Registration = TransactionInput<typeof TRANSACTION>;

/**
 * A patient registers itself: the id certifies the key, and the key signed the proposal. The entry is the first of the
 * patient's own lane, and its link is where all other lanes of the patient begin.
 *
 * @returns TransactionAnswer as canonical JSON
 */
export async function registerPatient(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
  const proposal = proposalOf(ctx);
  const { state, channel } = proposal;
  const caller = proposal.caller();
  const input = parseTransactionInput(TRANSACTION, businessJson);
  const { patientId } = input;
  requireOwnId(input, caller);
  const lane = { patientId, memberId: patientId };
  if ((await readHead(state, lane)) !== undefined)
    throw new DomainError('MEMBER_EXISTS', `${patientId} has entries already`);
  const head = firstHead(patientGenesis({ channel, ...input }));
  const call = { proposal, caller, transaction: TRANSACTION, businessJson, proofJson, patientId, head } as const;
  const solved = await requireSolved(call);
  const organisation = await requireNewHere(state, input, caller);
  const { policy } = input;
  if (policy !== undefined) await requireFirstPolicy(state, policy, { channel, input, organisation });
  return commitEntry(solved, {
    outcome: { action: 'register', outcome: 'permit' },
    writes: ({ link, txId }) => [
      memberWrite(patientOf(input, organisation, link)),
      ...(policy === undefined ? [] : [policyWrite(patientId, inForce(policy, txId))]),
    ],
  });
}

/** What holds from the first moment, signed with the key that is pinned here. */
async function requireFirstPolicy(
  state: WorldState,
  policy: SignedStatement,
  registration: { channel: string; input: Registration; organisation: Member['organisation'] },
): Promise<void> {
  const { channel, input, organisation } = registration;
  const { patientId } = input;
  const statement = parsePolicyStatement(policy.text);
  // The genesis follows from the entry that this one is about to write; nothing here looks at it.
  requireSignedBy(patientOf(input, organisation, ''), policy, statement, { channel, patientId });
  requireNext(statement, undefined);
  await requirePolicyBody(state, statement.body, patientId);
}

/** Without a word of the register: what the certificate and the id say about each other. */
function requireOwnId(input: Registration, caller: Caller): void {
  const { patientId, signingKey, salt } = input;
  if (patientIdOf({ signingKey, salt }) !== patientId)
    throw new DomainError('INPUT_INVALID', '/patientId does not follow from /signingKey and /salt');
  if (caller.role !== 'patient')
    throw new DomainError('ROLE_NOT_ALLOWED', `the certificate is of role ${caller.role}, not patient`);
  if (caller.memberId !== patientId || caller.signingKey !== signingKey || caller.agencyId !== undefined)
    throw new DomainError('CALLER_UNKNOWN', `the certificate is not that of patient ${patientId}`);
}

async function requireNewHere(state: WorldState, input: Registration, caller: Caller): Promise<Member['organisation']> {
  if ((await readMember(state, input.patientId)) !== undefined)
    throw new DomainError('MEMBER_EXISTS', `${input.patientId} is in the register`);
  const mspId = parseMspId(caller.mspId, '/mspId');
  if ((await readOrganisation(state, mspId)) === undefined)
    throw new DomainError('CALLER_UNKNOWN', `organisation ${mspId} is not in the register`);
  return mspId;
}

function patientOf(input: Registration, organisation: Member['organisation'], genesis: string): Member {
  const { patientId: memberId, salt, signingKey, encryptionKey, keyCustody } = input;
  const keys = { signingKey, encryptionKey, keyCustody, keyEpoch: FIRST_KEY_EPOCH };
  return { memberId, role: 'patient', organisation, ...keys, genesis, salt };
}
