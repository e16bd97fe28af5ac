import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  canonicalJson,
  entryHash,
  formatLaneProof,
  formatRegisterDocument,
  formatStatement,
  type GrantBody,
  headerHash,
  headerOf,
  hexToBytes,
  keyHashOf,
  type LaneTip,
  type Member,
  type MemberId,
  meetsDifficulty,
  NO_PATIENT,
  type Organisation,
  type PatientId,
  patientIdOf,
  puzzleBytes,
  type RegisterDocument,
  registerBytes,
  recordDigest,
  recordSetStatement,
  type SetId,
  type SignedRegister,
  type SignedStatement,
  type StatementKind,
  type StoredRecord,
  statementBytes,
  tipFor,
  type TransactionName,
  toBase64url,
} from '@medledger/chaincode/domain';
import { type Issuer, issueCertificate } from '../../network/identities/certificate.js';

export const CHANNEL = 'medledger';
const YEAR_MS = 365 * 86_400_000;

/** Somebody with keys and a certificate, who can solve nonces and sign statements. */
export interface ChainActor {
  readonly memberId: MemberId;
  readonly mspId: string;
  readonly role: string;
  readonly agencyId?: string;
  readonly privateKey: KeyObject;
  /** SubjectPublicKeyInfo, base64url. */
  readonly signingKey: string;
  readonly encryptionKey: string;
  readonly keyHash: string;
  readonly certificatePem: string;
  /** Patients only, base64url. */
  readonly salt?: string;
}

/** An organisation with its certificate authority and the key that signs register documents. */
export interface ChainOrganisation {
  readonly mspId: string;
  readonly authority: Issuer;
  readonly registerKey: KeyObject;
  readonly entry: Organisation;
}

export function makeOrganisation(mspId: string): ChainOrganisation {
  const authority = signingKeyPair();
  const register = signingKeyPair();
  const subject = { organisation: `${mspId}.example`, commonName: `ca.${mspId}.example` };
  return {
    mspId,
    authority: { subject, publicKeySpki: authority.spki, privateKey: authority.privateKey },
    registerKey: register.privateKey,
    entry: {
      mspId: mspId as Organisation['mspId'],
      name: mspId,
      registerKey: toBase64url(register.spki),
      custodianKey: x25519PublicKey(),
    },
  };
}

export function makeActor(
  organisation: ChainOrganisation,
  who: { memberId: string; role: string; agencyId?: string },
): Promise<ChainActor> {
  return enrol(organisation, { ...who, ...signingKeyPair() });
}

/** A patient whose id follows from its key. */
export function makePatient(organisation: ChainOrganisation): Promise<ChainActor> {
  const keys = signingKeyPair();
  const salt = toBase64url(randomBytes(16));
  const memberId = patientIdOf({ signingKey: toBase64url(keys.spki), salt });
  return enrol(organisation, { memberId, role: 'patient', salt, ...keys });
}

/** Another certificate over the same key, with other attributes or of another organisation. */
export async function enrol(
  organisation: ChainOrganisation,
  who: { memberId: string; role: string; agencyId?: string; salt?: string; spki: Uint8Array; privateKey: KeyObject },
): Promise<ChainActor> {
  const { memberId, role, agencyId, salt, spki, privateKey } = who;
  const staff = agencyId === undefined ? {} : { agencyId };
  const { pem } = await issueCertificate({
    subject: { commonName: memberId, unit: 'client' },
    publicKeySpki: spki,
    issuer: organisation.authority,
    notBeforeMs: Date.now() - 60_000,
    notAfterMs: Date.now() + YEAR_MS,
    use: { kind: 'signer', attributes: { memberId, role, ...staff, 'hf.EnrollmentID': memberId } },
  });
  return {
    memberId: memberId as MemberId,
    mspId: organisation.mspId,
    role,
    ...staff,
    privateKey,
    signingKey: toBase64url(spki),
    encryptionKey: x25519PublicKey(),
    keyHash: keyHashOf(spki),
    certificatePem: pem,
    ...(salt === undefined ? {} : { salt }),
  };
}

/** The two arguments of a transaction: business and proof, solved for this tip. */
export function prepareCall(
  actor: ChainActor,
  call: { transaction: TransactionName; business: object; patientId?: PatientId; tip: LaneTip; channel?: string },
): { businessJson: string; proofJson: string } {
  const { transaction } = call;
  const tip = tipFor(transaction, call.tip);
  const businessJson = canonicalJson(call.business);
  const header = headerOf({
    channel: call.channel ?? CHANNEL,
    transaction,
    businessJson,
    memberId: actor.memberId,
    keyHash: actor.keyHash,
    patientId: call.patientId ?? NO_PATIENT,
    tip,
  });
  const { sequence, previous, root, difficulty } = tip;
  const nonce = solveNonce(headerHash(header), difficulty);
  return { businessJson, proofJson: formatLaneProof({ sequence, previous, root, difficulty, nonce }) };
}

/** A plain loop over OpenSSL's SHA-256: slow next to the product's solver, and independent of it. */
export function solveNonce(header: Uint8Array, difficulty: number): string {
  const puzzle = Buffer.from(puzzleBytes(header));
  for (let attempt = 0; ; attempt++) {
    puzzle.writeBigUInt64BE(BigInt(attempt), puzzle.length - 8);
    const hash = createHash('sha256').update(puzzle).digest('hex');
    if (meetsDifficulty(hash, difficulty)) return puzzle.subarray(-8).toString('hex');
  }
}

/** A nonce that does not solve the header. */
export function wrongNonce(header: Uint8Array, difficulty: number): string {
  for (let attempt = 0; ; attempt++) {
    const nonce = attempt.toString(16).padStart(16, '0');
    if (!meetsDifficulty(entryHash(header, hexToBytes(nonce)), difficulty)) return nonce;
  }
}

export function signGrant(
  patient: ChainActor,
  given: {
    grantId: string;
    body: GrantBody;
    channel?: string;
    version?: number;
    keyEpoch?: number;
    patientId?: string;
  },
): SignedStatement {
  return signStatement(patient, { ...given, kind: 'grant', id: given.grantId, version: given.version ?? 1 });
}

export function signRevocation(
  patient: ChainActor,
  taken: { grantId: string; version: number; channel?: string },
): SignedStatement {
  return signStatement(patient, { ...taken, kind: 'revocation', id: taken.grantId, body: {} });
}

export interface Stating {
  readonly kind: StatementKind;
  readonly id: string;
  readonly version?: number;
  readonly body: object;
  readonly channel?: string;
  readonly keyEpoch?: number;
  /** The signer, where left out. */
  readonly patientId?: string;
  readonly by?: string;
}

/** What the signer states about a patient; `by` is said only where it is given. */
export function signStatement(signer: ChainActor, stating: Stating): SignedStatement {
  const { kind, id, body, channel = CHANNEL, keyEpoch = 0, version = 1 } = stating;
  const patientId = (stating.patientId ?? signer.memberId) as PatientId;
  const by = stating.by === undefined ? {} : { by: stating.by as MemberId };
  const text = formatStatement({ channel, patientId, kind, id, version, keyEpoch, ...by, body });
  return { text, signature: signP1363(signer.privateKey, statementBytes(text)) };
}

/** What somebody states about another one's records, named as who signs. */
export function signFor(signer: ChainActor, patient: { memberId: string }, stating: Stating): SignedStatement {
  return signStatement(signer, { ...stating, patientId: patient.memberId, by: signer.memberId });
}

/** The author's signature over records that are added together. */
export function signRecordSet(
  author: ChainActor,
  set: { patientId: PatientId; setId: SetId; records: readonly StoredRecord[]; channel?: string },
): string {
  const { patientId, setId, records, channel = CHANNEL } = set;
  const digests = records.map(recordDigest);
  const text = recordSetStatement({ channel, patientId, authorId: author.memberId, setId, digests });
  return signP1363(author.privateKey, statementBytes(text));
}

export function signRegister(document: RegisterDocument, signers: readonly ChainOrganisation[]): SignedRegister {
  const text = formatRegisterDocument(document);
  const signatures = signers.map(({ entry, registerKey }) => ({
    mspId: entry.mspId,
    signature: signP1363(registerKey, registerBytes(text)),
  }));
  return { text, signatures };
}

/** How a register document names this member. */
export function registerEntryOf(actor: ChainActor): RegisterDocument['members'][number] {
  const { memberId, agencyId, signingKey, encryptionKey } = actor;
  return {
    memberId,
    role: actor.role as Member['role'],
    ...(agencyId === undefined ? {} : { agencyId: agencyId as NonNullable<Member['agencyId']> }),
    organisation: actor.mspId as Member['organisation'],
    signingKey,
    encryptionKey,
    keyCustody: 'wallet',
  };
}

/** 16 random bytes in hex behind the letter of their kind; sets have none. */
export function randomId<T extends string>(letter: 'g' | 'q' | 'c' | 'r' | 'd' | 'e' | '' = ''): T {
  return `${letter}${randomBytes(16).toString('hex')}` as T;
}

export function x25519PublicKey(): string {
  const { publicKey } = generateKeyPairSync('x25519');
  return toBase64url(publicKey.export({ type: 'spki', format: 'der' }).subarray(-32));
}

function signingKeyPair(): { spki: Uint8Array; privateKey: KeyObject } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  return { spki: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })), privateKey };
}

function signP1363(key: KeyObject, bytes: Uint8Array): string {
  return toBase64url(sign('sha256', bytes, { key, dsaEncoding: 'ieee-p1363' }));
}
