import {
  DomainError,
  type Member,
  memberGenesis,
  parseRegisterDocument,
  type RegisterDocument,
  type RegisteredMember,
  registerDigest,
  type SignedRegister,
} from '../../domain/index.js';
import {
  agencyWrite,
  staffWrites,
  organisationWrite,
  registerDocumentWrite,
  registerWrite,
} from '../../state/register-store.js';
import type { Write } from '../../state/world-state.js';

/**
 * Reads a document of this channel in which nobody is named twice. Signatures are not checked here.
 *
 * @throws DomainError INPUT_INVALID, JSON_INVALID
 */
export function parseChannelRegister(signed: SignedRegister, channel: string): RegisterDocument {
  const document = parseRegisterDocument(signed.text);
  if (document.channel !== channel)
    throw new DomainError('INPUT_INVALID', `/register/channel is ${document.channel}, this channel is ${channel}`);
  requireDistinct('organisations', document.organisations, ({ mspId }) => mspId);
  requireDistinct('agencies', document.agencies, ({ agencyId }) => agencyId);
  requireDistinct('members', document.members, ({ memberId }) => memberId);
  return document;
}

function requireDistinct<T>(what: string, items: readonly T[], idOf: (item: T) => string): void {
  const ids = items.map(idOf);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) throw new DomainError('INPUT_INVALID', `/register/${what} names ${twice} twice`);
}

/**
 * Agencies and members may only name what is there already or comes with the document.
 *
 * @throws DomainError MEMBER_UNKNOWN
 */
export function requireKnown(
  document: RegisterDocument,
  known: { organisation(mspId: string): boolean; agency(agencyId: string): boolean },
): void {
  for (const { organisation } of [...document.agencies, ...document.members])
    if (!known.organisation(organisation)) throw new DomainError('MEMBER_UNKNOWN', `no organisation ${organisation}`);
  for (const { agencyId } of document.members)
    if (agencyId !== undefined && !known.agency(agencyId))
      throw new DomainError('MEMBER_UNKNOWN', `no agency ${agencyId}`);
}

/** Everything a document puts into state, with the document itself. */
export function registerWrites(signed: SignedRegister, document: RegisterDocument): readonly Write[] {
  const digest = registerDigest(signed.text);
  return [
    ...document.organisations.map(organisationWrite),
    ...document.agencies.map(agencyWrite),
    ...document.members.flatMap((member) => staffWrites(memberOf(member, document, digest))),
    registerDocumentWrite(digest, signed),
    registerWrite({ version: document.version, digest }),
  ];
}

function memberOf(member: RegisteredMember, { channel, version }: RegisterDocument, registerDigest: string): Member {
  const { memberId, signingKey } = member;
  const genesis = memberGenesis({ channel, memberId, signingKey, registerDigest });
  return { ...member, genesis, registerDigest, registerVersion: version };
}
