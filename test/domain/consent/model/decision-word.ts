import type { AccessDecision } from '@medledger/chaincode/domain';

/** A decision in one word, as the model writes it. */
export function wordOf(decision: AccessDecision): string {
  if (decision.outcome === 'deny') return `deny ${decision.code}`;
  const { basis } = decision;
  switch (basis.kind) {
    case 'own':
    case 'policy':
      return `permit ${basis.kind}`;
    case 'grant':
      return `permit grant ${basis.grantId}`;
    case 'delegation':
      return `permit delegation ${basis.delegationId}`;
    case 'emergency':
      return `permit emergency ${basis.emergencyId}`;
    case 'representation':
      return `permit representation ${basis.representationId}`;
  }
}
