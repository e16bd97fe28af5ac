import type { FastifyRequest } from 'fastify';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { acceptedBundle, bundleBody, patientPath } from '../schemas/records.js';
import { MedledgerError } from '../medledger-error.js';
import type { Services } from '../services/medledger.js';
import { idempotencyKeyOf } from './idempotency-key.js';

/** Adding a whole FHIR Bundle. In a scope of its own: larger, deeper bodies, and numbers that keep their digits. */
export function bundleRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/patients/:patientId/bundles',
    {
      config: { answerHolds: async (request, answerJson) => !(await hasFailed(services, request, answerJson)) },
      schema: {
        tags: ['records'],
        summary: 'Add every resource of a FHIR Bundle as a record of its own; carried out in the background',
        consumes: ['application/fhir+json', 'application/json'],
        params: patientPath,
        body: bundleBody,
        response: { 202: acceptedBundle },
      },
    },
    async (request, reply) => {
      const { jobId } = await services.addBundle(callerOf(request), {
        patientId: request.params.patientId,
        bundle: request.body,
        ...idempotencyKeyOf(request),
      });
      return reply.code(202).header('location', `/v1/jobs/${jobId}`).send({ jobId });
    },
  );
}

/** A job that failed, or is no longer known, is begun anew; its records keep the ids that the key gives them. */
async function hasFailed(services: Services, request: FastifyRequest, answerJson: string): Promise<boolean> {
  try {
    const { status } = await services.job(callerOf(request), parseJobId(answerJson));
    return status === 'failed';
  } catch (error) {
    if (error instanceof MedledgerError && error.code === 'JOB_UNKNOWN') return true;
    throw error;
  }
}

/** The answer was written by this route. */
function parseJobId(answerJson: string): string {
  return (JSON.parse(answerJson) as { jobId: string }).jobId;
}
