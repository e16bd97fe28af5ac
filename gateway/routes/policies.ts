import type { Policy } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { parsePolicy, policyAnswer, policyBody, storedPolicy } from '../schemas/policies.js';
import { patientPath } from '../schemas/records.js';
import { copyGrantee, copyScope } from './shown-scope.js';

/** What a patient says once for all: default, emergencies, exclusions. */
export function policyRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/policy',
    {
      schema: {
        tags: ['consents'],
        summary: 'The policy: what holds by default, in emergencies, and for whom nothing holds',
        params: patientPath,
        response: { 200: policyAnswer },
      },
    },
    async (request) => {
      const { policy } = await services.policy(callerOf(request), request.params);
      return policy === undefined ? {} : { policy: showPolicy(policy) };
    },
  );

  app.put(
    '/v1/patients/:patientId/policy',
    {
      schema: {
        tags: ['consents'],
        summary: 'Say the whole policy anew; it holds from this transaction on',
        params: patientPath,
        body: policyBody,
        response: { 200: storedPolicy },
      },
    },
    async (request) => {
      const { patientId } = request.params;
      return services.setPolicy(callerOf(request), { patientId, policy: parsePolicy(request.body) });
    },
  );
}

function showPolicy({ version, defaultRule, emergency, exclusions }: Policy) {
  const { labels, excludedClasses, ...rest } = emergency;
  return {
    version,
    defaultRule:
      defaultRule.kind === 'deny'
        ? defaultRule
        : {
            kind: defaultRule.kind,
            roles: [...defaultRule.roles],
            purposes: [...defaultRule.purposes],
            scope: copyScope(defaultRule.scope),
          },
    emergency: { ...rest, labels: [...labels], excludedClasses: [...excludedClasses] },
    exclusions: exclusions.map(({ who, scope }) => ({ who: copyGrantee(who), scope: copyScope(scope) })),
  };
}
