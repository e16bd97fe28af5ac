import type { Notice } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { listQuery } from '../schemas/consents.js';
import { formatTime } from '../schemas/iso-time.js';
import { patientPath } from '../schemas/records.js';
import { announced, noticePage } from '../schemas/trusted-people.js';
import { pageReply, parsePage } from './page-reply.js';

/** What the patient must be told: emergencies, and who joined a group that the patient trusts. */
export function noticeRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.get(
    '/v1/patients/:patientId/notices',
    {
      schema: {
        tags: ['consents'],
        summary: 'What the patient was told, oldest first',
        params: patientPath,
        querystring: listQuery,
        response: { 200: noticePage },
      },
    },
    async (request, reply) => {
      const { patientId } = request.params;
      const page = await services.notices(callerOf(request), { patientId, ...parsePage(request.query) });
      return pageReply(request, reply, { page, show: showNotice });
    },
  );

  app.post(
    '/v1/patients/:patientId/membership-notices',
    {
      schema: {
        tags: ['consents'],
        summary: 'Tell a patient that the caller joined an agency or role which the patient gave access',
        params: patientPath,
        response: { 201: announced },
      },
    },
    async (request, reply) => {
      const told = await services.announce(callerOf(request), request.params);
      return reply.code(201).send(told);
    },
  );
}

function showNotice({ atMs, txId, ...notice }: Notice) {
  const { kind, memberId } = notice;
  return {
    kind,
    memberId,
    at: formatTime(atMs),
    transactionId: txId,
    ...('emergencyId' in notice && { emergencyId: notice.emergencyId }),
    ...('finding' in notice && { finding: notice.finding }),
    ...('agencyId' in notice && notice.agencyId !== undefined && { agencyId: notice.agencyId }),
  };
}
