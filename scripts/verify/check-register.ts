import {
  canonicalJson,
  type Member,
  memberGenesis,
  type Organisation,
  patientIdOf,
  requireTwoSignatures,
} from '@medledger/chaincode/domain';
import { verifySignature } from '../../gateway/custody/verify-signature.js';
import type { PinnedOrganisation } from '../../gateway/identity/pinned-consortium.js';
import type { PeerView } from './check-lanes.js';
import { CheckLog, type CheckResult } from './finding.js';
import { readEntry, unlessInvalid } from './lane-walk.js';
import type { StateView } from './peer-state.js';
import {
  AGENCY_PREFIX,
  entryKey,
  MEMBER_PREFIX,
  ORGANISATION_PREFIX,
  REGISTER_DOCUMENT_PREFIX,
  REGISTER_KEY,
} from './state-keys.js';
import { parseMember, parseOrganisation, parseStoredRegister, type StoredRegisterDocument } from './stored-values.js';

/** By digest: the register documents that two pinned organisations signed. */
type Documents = ReadonlyMap<string, StoredRegisterDocument['document']>;

/**
 * Who belongs to the consortium: every document signed with two registrars' keys from this machine's certificates,
 * every member of staff, agency and organisation named in one, every patient's id made from the pinned key.
 */
export async function checkRegister(view: PeerView, pinned: readonly PinnedOrganisation[]): Promise<CheckResult> {
  const log = new CheckLog('register', view.mspId, view.next);
  const documents = await checkDocuments(view, pinned, log);
  if (view.state.read(REGISTER_KEY) !== undefined && documents.size === 0)
    log.found(REGISTER_KEY, 'it stands on no readable document');
  await checkOrganisations(view, pinned, log);
  await checkAgencies(view, documents, log);
  for await (const { key, text } of view.state.rows(MEMBER_PREFIX)) {
    log.count('members');
    const member = parseMember(text);
    const fault = member === undefined ? 'no readable member' : faultOfMember(view, documents, member, key);
    if (fault !== undefined) log.found(key, fault);
  }
  return log.result;
}

async function checkDocuments(
  { state, channel }: PeerView,
  pinned: readonly PinnedOrganisation[],
  log: CheckLog,
): Promise<Documents> {
  const documents = new Map<string, StoredRegisterDocument['document']>();
  for await (const { key, text } of state.rows(REGISTER_DOCUMENT_PREFIX)) {
    log.count('register documents');
    const digest = key.slice(REGISTER_DOCUMENT_PREFIX.length);
    const stored = parseStoredRegister(text, digest);
    if (stored === undefined) log.found(key, 'no readable register document with this digest');
    else if (!isSigned(stored, pinned)) log.found(key, 'two registrars whose keys are pinned did not sign it');
    else if (stored.document.channel !== channel) log.found(key, `it is of channel ${stored.document.channel}`);
    else documents.set(digest, stored.document);
  }
  return documents;
}

function isSigned({ signed }: StoredRegisterDocument, pinned: readonly PinnedOrganisation[]): boolean {
  return (
    unlessInvalid(() => {
      requireTwoSignatures(signed, pinned, verifySignature);
      return true;
    }) ?? false
  );
}

async function checkOrganisations(
  { state }: PeerView,
  pinned: readonly PinnedOrganisation[],
  log: CheckLog,
): Promise<void> {
  for await (const { key, text } of state.rows(ORGANISATION_PREFIX)) {
    log.count('organisations');
    const organisation = parseOrganisation(text);
    if (organisation === undefined) log.found(key, 'no readable organisation');
    else if (!isPinned(organisation, pinned)) log.found(key, 'its registrar’s key is not the one in organizations/');
  }
}

function isPinned({ mspId, registerKey }: Organisation, pinned: readonly PinnedOrganisation[]): boolean {
  return pinned.some((known) => known.mspId === mspId && known.registerKey === registerKey);
}

async function checkAgencies({ state }: PeerView, documents: Documents, log: CheckLog): Promise<void> {
  const named = new Set(
    [...documents.values()].flatMap(({ agencies }) => agencies.map((agency) => canonicalJson(agency))),
  );
  for await (const { key, text } of state.rows(AGENCY_PREFIX)) {
    log.count('agencies');
    if (typeof text !== 'string' || !named.has(text)) log.found(key, 'no signed register document names it like this');
  }
}

function faultOfMember(view: PeerView, documents: Documents, member: Member, key: string): string | undefined {
  if (key !== `${MEMBER_PREFIX}${member.memberId}`) return `it says of itself that it is ${member.memberId}`;
  return member.role === 'patient' ? faultOfPatient(view.state, member) : faultOfStaff(view, documents, member);
}

function faultOfPatient(state: StateView, { memberId, salt, signingKey, genesis }: Member): string | undefined {
  const certified = unlessInvalid(() => patientIdOf({ signingKey, salt: salt ?? '' }));
  if (salt === undefined || certified !== memberId) return 'the id is not made from the pinned key';
  const first = readEntry(state.read(entryKey({ patientId: memberId, memberId }, 0)));
  // A first entry that cannot be read is named by the walk of its lane.
  return first === undefined || first.link === genesis ? undefined : 'its lanes do not begin at its registration';
}

function faultOfStaff({ channel }: PeerView, documents: Documents, member: Member): string | undefined {
  const { memberId, signingKey, registerDigest } = member;
  const document = registerDigest === undefined ? undefined : documents.get(registerDigest);
  const entry = document?.members.find((candidate) => candidate.memberId === memberId);
  if (registerDigest === undefined || entry === undefined) return 'no signed register document names this member';
  const genesis = memberGenesis({ channel, memberId, signingKey: entry.signingKey, registerDigest });
  const expected = { ...entry, genesis, registerDigest, registerVersion: document?.version };
  return canonicalJson(expected) === canonicalJson({ ...member })
    ? undefined
    : `the register document says otherwise of this member (its key there: ${signingKey === entry.signingKey ? 'the same' : 'another'})`;
}
