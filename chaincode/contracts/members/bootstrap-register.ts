import type { Context } from 'fabric-contract-api';
import {
  type BootstrapAnswer,
  canonicalJson,
  DomainError,
  limits,
  parseTransactionInput,
  type RegisterDocument,
  registerDigest,
  requireTwoSignatures,
} from '../../domain/index.js';
import type { Caller } from '../../state/caller.js';
import { proposalOf } from '../../state/proposal.js';
import { configWrite, readRegister } from '../../state/register-store.js';
import { verifySignature } from '../../state/verify-signature.js';
import { parseChannelRegister, registerWrites, requireKnown } from './register-writes.js';

const FIRST_VERSION = 1;

/**
 * Gives the channel its first register. There is no member yet and so no lane: what makes the document true is that
 * two of its own organisations signed it, and that clients and custodians compare those organisations with their pins.
 *
 * @returns BootstrapAnswer as canonical JSON
 */
export async function bootstrapRegister(ctx: Context, businessJson: string, proofJson: string): Promise<string> {
  if (proofJson !== '') throw new DomainError('INPUT_INVALID', '/proof must be empty: the bootstrap has no lane');
  const proposal = proposalOf(ctx);
  const { state, channel } = proposal;
  const caller = proposal.caller();
  const { register } = parseTransactionInput('members:bootstrap', businessJson);
  if ((await readRegister(state)) !== undefined)
    throw new DomainError('ALREADY_BOOTSTRAPPED', `channel ${channel} has a register`);
  const document = parseChannelRegister(register, channel);
  if (document.version !== FIRST_VERSION)
    throw new DomainError('VERSION_CONFLICT', `the first document has version ${FIRST_VERSION}`);
  requireTwoSignatures(register, document.organisations, verifySignature);
  requireOwn(document);
  requireNamedAdmin(document, caller);
  await state.write([
    ...registerWrites(register, document),
    configWrite({ targetIntervalMs: limits.TARGET_INTERVAL_MS }),
  ]);
  const answer: BootstrapAnswer = { registerVersion: document.version, registerDigest: registerDigest(register.text) };
  return canonicalJson(answer);
}

function requireOwn(document: RegisterDocument): void {
  const organisations = new Set<string>(document.organisations.map(({ mspId }) => mspId));
  const agencies = new Set<string>(document.agencies.map(({ agencyId }) => agencyId));
  requireKnown(document, {
    organisation: (mspId) => organisations.has(mspId),
    agency: (agencyId) => agencies.has(agencyId),
  });
}

function requireNamedAdmin(document: RegisterDocument, caller: Caller): void {
  const named = document.members.find(({ memberId }) => memberId === caller.memberId);
  if (named?.signingKey !== caller.signingKey || named.organisation !== caller.mspId)
    throw new DomainError('CALLER_UNKNOWN', `the document does not name ${caller.memberId} with this key`);
  if (named.role !== 'admin')
    throw new DomainError('ROLE_NOT_ALLOWED', `${caller.memberId} is ${named.role}, not admin`);
}
