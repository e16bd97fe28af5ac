import type { Context } from 'fabric-contract-api';
import { canonicalJson, type Member, parseQueryInput, type QueryInput, type QueryName } from '../domain/index.js';
import { type Proposal, proposalOf } from './proposal.js';
import { requireRegistered } from './register-store.js';

export interface Question<N extends QueryName> extends Proposal {
  readonly input: QueryInput<N>;
}

/**
 * Answers any member of a known organisation, also one outside the register: custodians ask so. That the certificate is
 * of such an organisation, the peer has checked.
 *
 * @returns the answer as canonical JSON
 */
export async function answerAnyone<N extends QueryName>(
  ctx: Context,
  query: { readonly name: N; readonly inputJson: string },
  answer: (question: Question<N>) => Promise<object>,
): Promise<string> {
  const input = parseQueryInput(query.name, query.inputJson);
  return canonicalJson(await answer({ ...proposalOf(ctx), input }));
}

/**
 * Answers a member whose certificate agrees with the register.
 *
 * @returns the answer as canonical JSON
 * @throws DomainError CALLER_UNKNOWN, and what `answer` throws
 */
export async function answerMember<N extends QueryName>(
  ctx: Context,
  query: { readonly name: N; readonly inputJson: string },
  answer: (question: Question<N> & { readonly actor: Member }) => Promise<object>,
): Promise<string> {
  return answerAnyone(ctx, query, async (question) => {
    const actor = await requireRegistered(question.state, question.caller());
    return answer({ ...question, actor });
  });
}
