import { DomainError, ERRORS, type ErrorCode, isErrorCode } from '@medledger/chaincode/domain';
import type { FastifyError, FastifySchemaValidationError } from 'fastify';
import { MedledgerError } from '../medledger-error.js';
import { pointerStep } from './strict-json.js';

/** RFC 9457, without what only the request knows (instance, requestId). */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly code: ErrorCode;
  readonly detail: string;
  readonly [member: string]: unknown;
}

export interface ToldProblem {
  readonly problem: Problem;
  readonly retryAfterS?: number;
}

/** Fastify's own codes; those that are missing here are faults of ours, not of the request. */
const FRAMEWORK_CODES: { readonly [code: string]: ErrorCode } = {
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'MEDIA_TYPE_UNSUPPORTED',
  FST_ERR_CTP_BODY_TOO_LARGE: 'BODY_TOO_LARGE',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'INPUT_INVALID',
  FST_ERR_BAD_URL: 'INPUT_INVALID',
  FST_ERR_MAX_PARAM_LENGTH: 'INPUT_INVALID',
};

const POINTER_CHARACTERS_MAX = 200;

/**
 * What is told of a failure. The detail of a failure that is not the caller's is its registry text: file names,
 * addresses and other people's messages stay in the log.
 */
export function problemOf(error: unknown): ToldProblem {
  if (error instanceof MedledgerError) return problemOfUseCase(error);
  if (error instanceof DomainError) return { problem: problemWith(error.code, withoutCode(error), pointerIn(error)) };
  const failure = asFrameworkError(error);
  if (failure === undefined) return { problem: problemWith('INTERNAL', undefined) };
  if (failure.validation !== undefined) return { problem: problemOfValidation(failure) };
  if (isErrorCode(failure.code)) return problemOfAdapter(failure.code, failure);
  return { problem: problemWith(FRAMEWORK_CODES[failure.code] ?? 'INTERNAL', undefined) };
}

function problemOfUseCase(error: MedledgerError): ToldProblem {
  const { transactionId, retryAfterS } = error;
  const problem = problemWith(error.code, error.message, {
    ...pointersOf(error.extra),
    ...(transactionId !== undefined && { transactionId }),
  });
  return { problem, ...(retryAfterS !== undefined && { retryAfterS }) };
}

/** Errors of the adapters carry a code of the registry too, but only some are written for callers. */
function problemOfAdapter(code: ErrorCode, error: FastifyError & { readonly retryAfterMs?: unknown }): ToldProblem {
  const problem = problemWith(code, ERRORS[code].status < 500 ? withoutCode(error) : undefined);
  const { retryAfterMs } = error;
  return { problem, ...(typeof retryAfterMs === 'number' && { retryAfterS: Math.ceil(retryAfterMs / 1000) }) };
}

function problemWith(code: ErrorCode, detail: string | undefined, members: { [name: string]: unknown } = {}): Problem {
  const { status, text } = ERRORS[code];
  // The registered members come last: none of the further ones may take their place.
  return { ...members, type: `/docs/errors#${code}`, title: text, status, code, detail: detail ?? text };
}

function pointersOf(extra: { readonly [name: string]: unknown }): { [name: string]: unknown } {
  return typeof extra.pointer === 'string' ? { ...inBody(extra.pointer, extra.in), ...extra } : { ...extra };
}

function inBody(pointer: string, place: unknown = 'body'): { [name: string]: unknown } {
  return { pointer, in: place };
}

/** Messages of domain rules begin with the pointer of the member they are about. */
function pointerIn(error: DomainError): { [name: string]: unknown } {
  const [pointer = ''] = withoutCode(error).split(' ', 1);
  return pointer.startsWith('/') ? inBody(pointer === '/' ? '' : pointer) : {};
}

function withoutCode(error: Error & { readonly code: string }): string {
  const prefix = `${error.code}: `;
  return error.message.startsWith(prefix) ? error.message.slice(prefix.length) : error.message;
}

function asFrameworkError(error: unknown): FastifyError | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? // The shape has just been checked; the type says no more than that.
      (error as FastifyError)
    : undefined;
}

const PLACES: { readonly [context: string]: string } = {
  body: 'body',
  querystring: 'query',
  params: 'path',
  headers: 'header',
};

function problemOfValidation(error: FastifyError): Problem {
  const place = PLACES[error.validationContext ?? 'body'] ?? 'body';
  const errors = (error.validation ?? []).map((fault) => ({ ...faultOf(fault), in: place }));
  const first = errors[0] ?? { pointer: '', detail: 'does not have the documented shape', in: place };
  const detail = `${first.pointer === '' ? '/' : first.pointer} ${first.detail}`;
  return problemWith('INPUT_INVALID', detail, { pointer: first.pointer, in: place, errors });
}

/** Never tells the value that was refused: it may be a password or a diagnosis. */
function faultOf(fault: FastifySchemaValidationError & { parentSchema?: { description?: unknown } }): {
  pointer: string;
  detail: string;
} {
  const { params } = fault;
  const missing = fault.keyword === 'required' ? String(params.missingProperty) : undefined;
  const unknown = fault.keyword === 'additionalProperties' ? String(params.additionalProperty) : undefined;
  const name = missing ?? unknown;
  const pointer = `${fault.instancePath}${name === undefined ? '' : `/${pointerStep(name)}`}`;
  return { pointer: pointer.slice(0, POINTER_CHARACTERS_MAX), detail: faultText(fault, { missing, unknown }) };
}

function faultText(
  fault: FastifySchemaValidationError & { parentSchema?: { description?: unknown } },
  named: { missing: string | undefined; unknown: string | undefined },
): string {
  if (named.missing !== undefined) return 'is missing';
  if (named.unknown !== undefined) return 'is not a known member';
  const described = fault.parentSchema?.description;
  return typeof described === 'string' ? `must be ${described}` : (fault.message ?? 'does not fit');
}
