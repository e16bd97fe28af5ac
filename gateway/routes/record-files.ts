import { recordId, type RecordRelation } from '@medledger/chaincode/domain';
import { callerOf, type GatewayApp, type RouteContext } from '../plugins/gateway-app.js';
import { addedRecord, addRecordQuery, patientPath } from '../schemas/records.js';
import { parseOptionalTime } from '../schemas/iso-time.js';
import { MedledgerError } from '../medledger-error.js';
import { parseContentType } from './content-headers.js';
import { idempotencyKeyOf } from './idempotency-key.js';

/** Adding a record of any content type. In a scope of its own, because here bodies are bytes and not JSON. */
export function recordFileRoutes(app: GatewayApp, { services }: Pick<RouteContext, 'services'>): void {
  app.post(
    '/v1/patients/:patientId/records',
    {
      config: { fileBody: true },
      schema: {
        tags: ['records'],
        summary: 'Add a record: any content type; what the body holds is encrypted before it is stored',
        params: patientPath,
        querystring: addRecordQuery,
        response: { 201: addedRecord },
      },
    },
    async (request, reply) => {
      const content = parseContent(request.body);
      const contentType = parseContentType(request.headers['content-type']);
      const { date, label, class: recordClass, purpose } = request.query;
      if (label === 'V') throw labelWithoutRule();
      const dateMs = parseOptionalTime(date, { pointer: '/date', in: 'query' });
      const added = await services.addRecord(callerOf(request), {
        patientId: request.params.patientId,
        contentType,
        content,
        ...(recordClass !== undefined && { class: recordClass }),
        ...(label !== undefined && { label }),
        ...(dateMs !== undefined && { dateMs }),
        ...(purpose !== undefined && { purpose }),
        ...parseRelation(request.query),
        ...idempotencyKeyOf(request),
      });
      return reply.code(201).header('location', `/v1/records/${added.recordId}/content`).send(added);
    },
  );
}

/** @throws MedledgerError INPUT_INVALID where it would be both */
function parseRelation({ replaces, disputes }: { replaces?: string; disputes?: string }): {
  relatesTo?: RecordRelation;
} {
  if (replaces !== undefined && disputes !== undefined)
    throw new MedledgerError('INPUT_INVALID', '/disputes and /replaces exclude each other', {
      extra: { pointer: '/disputes', in: 'query' },
    });
  if (replaces !== undefined) return { relatesTo: { kind: 'replaces', recordId: recordId(replaces, '/replaces') } };
  if (disputes !== undefined) return { relatesTo: { kind: 'disputes', recordId: recordId(disputes, '/disputes') } };
  return {};
}

function parseContent(body: unknown): Uint8Array {
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new MedledgerError('INPUT_INVALID', 'The body is empty; send the content of the record.', {
    extra: { pointer: '' },
  });
}

function labelWithoutRule(): MedledgerError {
  return new MedledgerError('NOT_SUPPORTED', '/label V has no rule yet', { extra: { pointer: '/label', in: 'query' } });
}
