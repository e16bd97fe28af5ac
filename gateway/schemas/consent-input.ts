import { MedledgerError } from '../medledger-error.js';
import type { AccessRequestInput, GrantInput, ScopeInput } from '../services/medledger.js';
import type { AccessRequestBody, ApprovalBody, GrantBody, ScopeBody } from './consents.js';
import { parseOptionalTime, parseTime } from './iso-time.js';

/** @throws MedledgerError INPUT_INVALID or NOT_SUPPORTED, with a pointer into the body */
export function parseGrant(body: GrantBody): GrantInput {
  refuse(body.uses !== undefined, '/uses');
  refuse(body.grantee.kind === 'role', '/grantee/kind');
  const fromMs = parseOptionalTime(body.from, { pointer: '/from', in: 'body' });
  return {
    grantee: body.grantee,
    actions: parseActions(body.actions),
    scope: parseScope(body.scope),
    purpose: body.purpose,
    untilMs: parseTime(body.until, { pointer: '/until', in: 'body' }),
    ...(fromMs !== undefined && { fromMs }),
  };
}

export function parseAccessRequest(body: AccessRequestBody): AccessRequestInput {
  return {
    patientId: body.patientId,
    actions: parseActions(body.actions),
    scope: parseScope(body.scope),
    purpose: body.purpose,
    untilMs: parseTime(body.until, { pointer: '/until', in: 'body' }),
    reason: body.reason,
  };
}

export function parseApproval(body: ApprovalBody): { scope?: ScopeInput; untilMs?: number } {
  refuse(body.uses !== undefined, '/uses');
  const untilMs = parseOptionalTime(body.until, { pointer: '/until', in: 'body' });
  return {
    ...(body.scope !== undefined && { scope: parseScope(body.scope) }),
    ...(untilMs !== undefined && { untilMs }),
  };
}

function parseScope(scope: ScopeBody): ScopeInput {
  refuse(scope.dataFrom !== undefined, '/scope/dataFrom');
  refuse(scope.dataUntil !== undefined, '/scope/dataUntil');
  const secret = scope.labels?.indexOf('V') ?? -1;
  refuse(secret >= 0, `/scope/labels/${secret}`);
  return {
    ...(scope.classes !== undefined && { classes: scope.classes }),
    ...(scope.records !== undefined && { records: scope.records }),
    ...(scope.labels !== undefined && { labels: scope.labels }),
  };
}

function parseActions(actions: GrantBody['actions']): readonly string[] {
  const share = actions.indexOf('share');
  refuse(share >= 0, `/actions/${share}`);
  return actions;
}

/** Refused here already, so that nothing is submitted; the rules on the chain refuse it too. */
function refuse(given: boolean, pointer: string): void {
  if (given) throw new MedledgerError('NOT_SUPPORTED', `${pointer} has no rule yet`, { extra: { pointer } });
}
