import type {
  AccessRequestInput,
  ApprovalInput,
  GrantChanges,
  GrantInput,
  ScopeInput,
} from '../services/consent-services.js';
import { MedledgerError } from '../medledger-error.js';
import type { AccessRequestBody, ApprovalBody, GrantBody, GrantChangesBody, ScopeBody } from './consents.js';
import { parseOptionalTime, parseTime } from './iso-time.js';

/** @throws MedledgerError INPUT_INVALID or NOT_SUPPORTED, with a pointer into the body */
export function parseGrant(body: GrantBody): GrantInput {
  const { from, until, scope, ...rest } = body;
  const fromMs = parseOptionalTime(from, { pointer: '/from', in: 'body' });
  return {
    ...rest,
    scope: parseScope(scope),
    untilMs: parseTime(until, { pointer: '/until', in: 'body' }),
    ...(fromMs !== undefined && { fromMs }),
  };
}

export function parseGrantChanges({ from, until, scope, ...rest }: GrantChangesBody): GrantChanges {
  const fromMs = parseOptionalTime(from, { pointer: '/from', in: 'body' });
  const untilMs = parseOptionalTime(until, { pointer: '/until', in: 'body' });
  return {
    ...rest,
    ...(scope !== undefined && { scope: parseScope(scope) }),
    ...(fromMs !== undefined && { fromMs }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

export function parseAccessRequest({ until, scope, ...rest }: AccessRequestBody): AccessRequestInput {
  return { ...rest, scope: parseScope(scope), untilMs: parseTime(until, { pointer: '/until', in: 'body' }) };
}

export function parseApproval({ until, scope, ...rest }: ApprovalBody): ApprovalInput {
  const untilMs = parseOptionalTime(until, { pointer: '/until', in: 'body' });
  return {
    ...rest,
    ...(scope !== undefined && { scope: parseScope(scope) }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

/** @param pointer - of the scope in the body */
export function parseScope(scope: ScopeBody, pointer = '/scope'): ScopeInput {
  const { dataFrom, dataUntil, ...rest } = scope;
  const secret = scope.labels?.indexOf('V') ?? -1;
  refuse(secret >= 0, `${pointer}/labels/${secret}`);
  const dataFromMs = parseOptionalTime(dataFrom, { pointer: `${pointer}/dataFrom`, in: 'body' });
  const dataUntilMs = parseOptionalTime(dataUntil, { pointer: `${pointer}/dataUntil`, in: 'body' });
  return {
    ...rest,
    ...(dataFromMs !== undefined && { dataFromMs }),
    ...(dataUntilMs !== undefined && { dataUntilMs }),
  };
}

/** Refused here already, so that nothing is submitted; the rules on the chain refuse it too. */
function refuse(given: boolean, pointer: string): void {
  if (given) throw new MedledgerError('NOT_SUPPORTED', `${pointer} has no rule yet`, { extra: { pointer } });
}
