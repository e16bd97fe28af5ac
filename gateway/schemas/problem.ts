import { Type } from '@fastify/type-provider-typebox';
import { ERRORS } from '@medledger/chaincode/domain';

/** RFC 9457. Documentation only: problems are written in plugins/errors.ts. */
export const problemSchema = Type.Object(
  {
    type: Type.String({ description: 'docs/errors.md has an entry for each' }),
    title: Type.String({ description: 'what happened, and what to do next' }),
    status: Type.Integer(),
    code: Type.Unsafe<string>({ type: 'string', enum: Object.keys(ERRORS) }),
    detail: Type.String(),
    instance: Type.String(),
    requestId: Type.String(),
    pointer: Type.Optional(Type.String({ description: 'JSON pointer (RFC 6901) to the fault, in what `in` names' })),
    in: Type.Optional(Type.Unsafe<string>({ type: 'string', enum: ['body', 'query', 'path', 'header'] })),
    errors: Type.Optional(
      Type.Array(Type.Object({ pointer: Type.String(), in: Type.String(), detail: Type.String() })),
    ),
    transactionId: Type.Optional(Type.String({ description: 'of the committed refusal' })),
  },
  { additionalProperties: true, description: 'Problem' },
);
