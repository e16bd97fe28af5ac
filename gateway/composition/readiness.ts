import type { GatewayConfig } from '../config.js';
import type { InternalApi } from '../internal/internal-api.js';
import type { LedgerChain } from '../ledger/chain.js';
import type { LedgerIdentity } from '../ledger/ledger.js';
import { ACKNOWLEDGEMENTS_NEEDED, type CustodianDoor } from '../services/custodians.js';

export interface ReadinessParts {
  readonly config: GatewayConfig;
  readonly chain: LedgerChain;
  readonly serviceIdentity: LedgerIdentity;
  readonly others: ReadonlyMap<string, InternalApi>;
  readonly custodians: readonly CustodianDoor[];
}

/** What keeps this gateway from serving, by name: the ledger, custodians, another vault. Empty when ready. */
export async function whatIsNotReady(parts: ReadinessParts): Promise<readonly string[]> {
  const [ledger, reachable] = await Promise.all([ledgerAnswers(parts), reachableOthers(parts)]);
  const own = parts.config.organisation.mspId;
  const custodians = parts.custodians.filter(({ mspId }) => mspId === own || reachable.has(mspId));
  return [
    ...(ledger ? [] : ['ledger']),
    ...(custodians.length >= ACKNOWLEDGEMENTS_NEEDED ? [] : ['custodians']),
    ...(reachable.size > 0 ? [] : ['vaults']),
  ];
}

async function ledgerAnswers({ chain, serviceIdentity }: ReadinessParts): Promise<boolean> {
  try {
    await chain.query(serviceIdentity, 'members:consortium', {});
    return true;
  } catch {
    return false;
  }
}

async function reachableOthers({ others }: ReadinessParts): Promise<ReadonlySet<string>> {
  const asked = await Promise.allSettled([...others].map(async ([name, api]) => api.vaultAddresses().then(() => name)));
  return new Set(asked.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : [])));
}
