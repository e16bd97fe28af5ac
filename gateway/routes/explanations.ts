import type { AccessDifference, RecordAccess } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { explainMemberQuery, explanation, parseChange, preview, previewBody } from '../schemas/explanations.js';
import { formatTime } from '../schemas/iso-time.js';
import { patientPath, recordPath } from '../schemas/records.js';

/** Who can see what and why, and what a change would do: said by the function that decides. */
export function explanationRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/records/:recordId/explanation',
    {
      schema: {
        tags: ['consents'],
        summary: 'Who can see this record, by which rule and until when; for the patient and who represents it',
        params: recordPath,
        response: { 200: explanation },
      },
    },
    async (request) => ({ items: (await services.explainRecord(callerOf(request), request.params)).map(showAccess) }),
  );

  app.get(
    '/v1/patients/:patientId/explanation',
    {
      schema: {
        tags: ['consents'],
        summary: 'What a person can see of a patient, and why not the rest; the patient asks about anybody',
        params: patientPath,
        querystring: explainMemberQuery,
        response: { 200: explanation },
      },
    },
    async (request) => {
      const found = await services.explainMember(callerOf(request), { ...request.params, ...request.query });
      return { items: found.map(showAccess) };
    },
  );

  app.post(
    '/v1/patients/:patientId/grants/preview',
    {
      config: { keepsNoAnswer: true },
      schema: {
        tags: ['consents'],
        summary: 'Who gains and who loses by a grant, an alteration, a revocation, a policy or a care group',
        params: patientPath,
        body: previewBody,
        response: { 200: preview },
      },
    },
    async (request) => {
      const { patientId } = request.params;
      const change = parseChange(request.body);
      const { gains, losses } = await services.previewChange(callerOf(request), { patientId, change });
      return { gains: gains.map(showDifference), losses: losses.map(showDifference) };
    },
  );
}

function showAccess({ ways, ...access }: RecordAccess) {
  return {
    ...access,
    ways: ways.map(({ basis, purposes, untilMs }) => ({
      basis,
      purposes: [...purposes],
      ...(untilMs !== undefined && { until: formatTime(untilMs) }),
    })),
  };
}

function showDifference({ recordIds, ...difference }: AccessDifference) {
  return { ...difference, recordIds: [...recordIds] };
}
