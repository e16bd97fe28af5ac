import { canonicalJson } from '../canonical-json.js';
import { DomainError } from '../errors.js';
import type { PatientId } from '../ids.js';
import type { Delegation } from './delegation.js';
import { type Grant, type GrantBody, isLive } from './grant.js';
import { isTrustedGroup } from './reach.js';
import type { RepresentationBody } from './representation.js';
import { isWithin } from './scope.js';

/**
 * What a grant must say beyond its shape: passing on is for delegates and delegates are there to pass on; a trusted
 * group is given to as the patient saw it.
 *
 * @throws DomainError INPUT_INVALID, with a pointer
 */
export function requireGrantBody({ grantee, actions, registerVersion, uses }: GrantBody): void {
  const isToDelegate = grantee.kind === 'delegate';
  if (isToDelegate !== actions.includes('share'))
    throw invalid('/grant/actions', 'must name share for a delegate, and for nobody else');
  if (isToDelegate && actions.length === 1)
    throw invalid('/grant/actions', 'must name something that can be passed on');
  if (uses !== undefined && !actions.includes('read'))
    throw invalid('/grant/uses', 'counts openings: add the action read');
  requireRegisterVersion('/grant', isTrustedGroup(grantee), registerVersion);
}

/**
 * An altered grant is the next version of the same, to the same grantee, in answer to the same request.
 *
 * @param stored - as it stands
 * @throws DomainError GRANT_REVOKED, GRANT_ENDED, VERSION_CONFLICT, INPUT_INVALID
 */
export function requireAlteration(
  stored: Grant,
  next: { readonly version: number; readonly body: GrantBody },
  atMs: number,
): void {
  const { version, body } = next;
  if (stored.revoked) throw new DomainError('GRANT_REVOKED', `grant ${stored.grantId} is revoked`);
  // What has ended leaves the index through which decisions find it: it is given anew, not revived.
  if (stored.untilMs <= atMs) throw new DomainError('GRANT_ENDED', `grant ${stored.grantId} has ended: give a new one`);
  if (version !== stored.version + 1)
    throw new DomainError('VERSION_CONFLICT', `the next version is ${stored.version + 1}, not ${version}`);
  if (canonicalJson(body.grantee) !== canonicalJson(stored.grantee))
    throw invalid('/grant/grantee', 'must stay as it is: give a new grant instead');
  if (body.requestId !== undefined && body.requestId !== stored.requestId)
    throw invalid('/grant/requestId', 'must stay as it is');
  requireGrantBody(body);
}

/**
 * What a delegate passes on lies within what it holds now, in every dimension.
 *
 * @param parent - the grant that the delegation names, as it stands; undefined where the patient gave none
 * @throws DomainError NO_GRANT, GRANT_ENDED, INPUT_INVALID
 */
export function requirePassedOn(child: Delegation, parent: Grant | undefined, atMs: number): void {
  const { grantee, delegateId } = child;
  const isHeld = parent?.grantee.kind === 'delegate' && parent.grantee.id === delegateId;
  if (parent === undefined || !isHeld || !parent.actions.includes('share'))
    throw new DomainError('NO_GRANT', `${delegateId} holds no grant ${child.parentId} that may be passed on`);
  if (!isLive({ ...parent, fromMs: 0 }, atMs))
    throw new DomainError('GRANT_ENDED', `grant ${parent.grantId} has ended or is revoked`);
  const wider = widerDimension(child, parent);
  if (wider !== undefined) throw invalid(`/delegation/${wider}`, `must lie within grant ${parent.grantId}`);
  requireRegisterVersion('/delegation', isTrustedGroup(grantee), child.registerVersion);
}

function widerDimension(child: Delegation, parent: Grant): string | undefined {
  return [
    mayBePassedTo(child, parent) ? '' : 'grantee',
    child.actions.every((action) => parent.actions.includes(action)) ? '' : 'actions',
    isWithin(child.scope, parent.scope) ? '' : 'scope',
    child.purpose === parent.purpose ? '' : 'purpose',
    parent.fromMs <= child.fromMs ? '' : 'fromMs',
    child.untilMs <= parent.untilMs ? '' : 'untilMs',
  ].find((name) => name !== '');
}

/** To an agency, or to a person who has it neither as delegate nor as patient. */
function mayBePassedTo({ grantee, delegateId }: Delegation, { patientId }: Grant): boolean {
  return grantee.kind === 'agency' || (grantee.kind === 'person' && ![delegateId, patientId].includes(grantee.id));
}

/** @throws DomainError INPUT_INVALID */
export function requireRepresentation(body: RepresentationBody, patientId: PatientId): void {
  if (body.representative === patientId)
    throw invalid('/representation/representative', 'must be somebody else than the patient');
}

function requireRegisterVersion(pointer: string, isTrusted: boolean, registerVersion: number | undefined): void {
  if (isTrusted === (registerVersion !== undefined)) return;
  throw invalid(`${pointer}/registerVersion`, 'must be named for an agency or a role, and for nobody else');
}

function invalid(pointer: string, what: string): DomainError {
  return new DomainError('INPUT_INVALID', `${pointer} ${what}`);
}
