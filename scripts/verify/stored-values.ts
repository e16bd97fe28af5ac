import {
  type AgencyId,
  type Grant,
  type GrantId,
  grantOf,
  type Member,
  type Organisation,
  parseRegisterDocument,
  type RecordSet,
  type RegisterDocument,
  registerDigest,
  type SetId,
  type SignedRegister,
  signedRegister,
  type OpenEmergency,
  type StoredAccessRequest,
  type StoredEmergency,
  type StoredGrant,
  type StoredStatement,
  storedRecords,
} from '@medledger/chaincode/domain';
import { unlessInvalid } from './lane-walk.js';
import type { StateView, StoredText } from './peer-state.js';
import { memberKey, recordSetKey, registerDocumentKey } from './state-keys.js';

/** A grant in state, with the transaction of its last change. */
export interface GrantRow extends StoredGrant {
  readonly txId: string;
}

export type RegisteredAgency = { readonly agencyId: AgencyId };

/** @returns undefined for what is absent, damaged or no JSON object: other checks say which */
function parseObject<T extends object>(text: StoredText): Partial<T> | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : undefined;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

export function parseMember(text: StoredText): Member | undefined {
  const member = parseObject<Member>(text);
  const needed = [member?.memberId, member?.role, member?.signingKey, member?.encryptionKey, member?.genesis];
  return needed.every((field) => typeof field === 'string') ? (member as Member) : undefined;
}

export function parseOrganisation(text: StoredText): Organisation | undefined {
  const organisation = parseObject<Organisation>(text);
  return typeof organisation?.mspId === 'string' ? (organisation as Organisation) : undefined;
}

export function parseGrantRow(text: StoredText): GrantRow | undefined {
  const row = parseObject<GrantRow>(text);
  const whole = typeof row?.grant?.text === 'string' && typeof row.grant.signature === 'string';
  return whole && typeof row.txId === 'string' ? (row as GrantRow) : undefined;
}

/** A statement in state, with the transaction of its last change. */
export interface StatementRow extends StoredStatement {
  readonly txId: string;
}

export function parseStatementRow(text: StoredText): StatementRow | undefined {
  const row = parseObject<StatementRow>(text);
  const whole = typeof row?.statement?.text === 'string' && typeof row.statement.signature === 'string';
  return whole && typeof row.txId === 'string' ? (row as StatementRow) : undefined;
}

export function parseEmergency(text: StoredText): StoredEmergency | undefined {
  const row = parseObject<StoredEmergency>(text);
  const whole = typeof row?.declaration?.text === 'string' && typeof row.declaration.signature === 'string';
  return whole && typeof row.txId === 'string' ? (row as StoredEmergency) : undefined;
}

export function parseOpenEmergencies(text: StoredText): readonly OpenEmergency[] | undefined {
  const { open } = parseObject<{ open: readonly OpenEmergency[] }>(text) ?? {};
  return Array.isArray(open) ? open : undefined;
}

export function parseNumberMember(text: StoredText, name: string): number | undefined {
  const value = parseObject<Record<string, unknown>>(text)?.[name];
  return typeof value === 'number' ? value : undefined;
}

export function parseGrantIndex(text: StoredText): readonly GrantId[] | undefined {
  const { grantIds } = parseObject<{ grantIds: readonly GrantId[] }>(text) ?? {};
  return Array.isArray(grantIds) ? grantIds : undefined;
}

/** By which representations a person acts for a patient; none where the index cannot be read. */
export function parseHoldings(text: StoredText): { readonly representationIds: readonly string[] } {
  const { representationIds } = parseObject<{ representationIds: readonly string[] }>(text) ?? {};
  return { representationIds: Array.isArray(representationIds) ? representationIds : [] };
}

export function parseRequest(text: StoredText): StoredAccessRequest | undefined {
  const request = parseObject<StoredAccessRequest>(text);
  const whole = typeof request?.reasonCid === 'string' && typeof request.reasonSha256 === 'string';
  return whole ? (request as StoredAccessRequest) : undefined;
}

export function parseRecordSet(text: StoredText): RecordSet | undefined {
  const set = parseObject<RecordSet>(text);
  if (typeof set?.setId !== 'string' || typeof set.patientId !== 'string' || typeof set.txId !== 'string') return;
  const records = unlessInvalid(() => storedRecords(set.records, '/records'));
  return records === undefined ? undefined : ({ ...set, records } as RecordSet);
}

export function parseOwner(text: StoredText): string | undefined {
  return parseObject<{ patientId: string }>(text)?.patientId;
}

const TARGET_INTERVAL_KEY = 'targetIntervalMs';

export function parseTargetIntervalMs(text: StoredText): number | undefined {
  const value = parseObject<{ targetIntervalMs: number }>(text)?.[TARGET_INTERVAL_KEY];
  return typeof value === 'number' ? value : undefined;
}

export const readMember = (state: StateView, memberId: string): Member | undefined =>
  parseMember(state.read(memberKey(memberId)));

export const readRecordSet = (state: StateView, setId: SetId): RecordSet | undefined =>
  parseRecordSet(state.read(recordSetKey(setId)));

export interface StoredRegisterDocument {
  readonly signed: SignedRegister;
  readonly document: RegisterDocument;
}

/** @returns undefined unless the document under this digest is there, whole, and has this digest */
export function readRegisterDocument(state: StateView, digest: string): StoredRegisterDocument | undefined {
  return parseStoredRegister(state.read(registerDocumentKey(digest)), digest);
}

export function parseStoredRegister(text: StoredText, digest: string): StoredRegisterDocument | undefined {
  const value = parseObject<SignedRegister>(text);
  if (value === undefined) return undefined;
  return unlessInvalid(() => {
    const signed = signedRegister(value, '/register');
    return registerDigest(signed.text) === digest
      ? { signed, document: parseRegisterDocument(signed.text) }
      : undefined;
  });
}

/** What the statements of a row say, whoever signed them. */
export function statedGrant(row: GrantRow): Grant | undefined {
  return unlessInvalid(() => grantOf(row));
}
