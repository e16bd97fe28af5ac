import { type KeyObject, verify, X509Certificate } from 'node:crypto';
import { msp } from '@hyperledger/fabric-protos';
import { isLowS } from './low-s.js';
import { parseMessage } from './wire/parse-message.js';

export type NodeOu = 'client' | 'peer' | 'admin' | 'orderer';

export interface MspDefinition {
  readonly mspId: string;
  /** Certificates of the authorities that issue this organisation's identities directly. */
  readonly caCertPems: readonly string[];
  /** Certificates of the authorities of its TLS servers: for clients that read them in the channel's configuration. */
  readonly tlsCaCertPems?: readonly string[];
  /** Certificates that they have taken back; serial numbers as lower-case hex without leading zeros. */
  readonly revocations?: readonly { readonly serialHex: string; readonly revokedAtMs: number }[];
}

export interface MspIdentity {
  readonly mspId: string;
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
  readonly validToMs: number;
  /** Undefined when the certificate names none of the four, or more than one. */
  readonly ou: NodeOu | undefined;
  /** Undefined when the certificate was not taken back. */
  readonly revokedAtMs: number | undefined;
}

export type MspErrorReason =
  | 'MALFORMED_IDENTITY'
  | 'UNKNOWN_MSP'
  | 'NOT_ISSUED_BY_MSP'
  | 'UNSUPPORTED_KEY'
  | 'NO_ROLE'
  | 'REVOKED'
  | 'HIGH_S'
  | 'BAD_SIGNATURE';

export class MspError extends Error {
  readonly reason: MspErrorReason;

  constructor(reason: MspErrorReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'MspError';
    this.reason = reason;
  }
}

/** A certificate whose key was read takes about 12 KB, most of it OpenSSL's. */
const IDENTITIES_REMEMBERED_MAX = 2_000;
/** Serialised identities hold one certificate in PEM; a longer one is somebody's attempt to make us work. */
const SERIALIZED_IDENTITY_MAX_BYTES = 16 * 1024;
const NODE_OUS: readonly NodeOu[] = ['client', 'peer', 'admin', 'orderer'];

interface Authority {
  readonly certificate: X509Certificate;
  readonly publicKey: KeyObject;
}

interface Member {
  readonly authorities: readonly Authority[];
  /** By serial number. */
  readonly revokedAtMs: ReadonlyMap<string, number>;
}

/** The organisations of the channel and whom their authorities have certified. */
export class MspRegistry {
  readonly #members = new Map<string, Member>();
  readonly #identities = new Map<string, MspIdentity>();
  readonly #identitiesMax: number;

  /** @param identitiesMax - how many certificates that were read and checked are remembered */
  constructor(definitions: readonly MspDefinition[], identitiesMax: number = IDENTITIES_REMEMBERED_MAX) {
    this.#identitiesMax = identitiesMax;
    for (const { mspId, caCertPems, revocations = [] } of definitions) {
      this.#members.set(mspId, {
        authorities: caCertPems.map((pem) => readAuthority(mspId, pem)),
        revokedAtMs: new Map(revocations.map(({ serialHex, revokedAtMs }) => [serialHex, revokedAtMs])),
      });
    }
  }

  /** Number of certificates remembered. */
  get identitiesRemembered(): number {
    return this.#identities.size;
  }

  mspIds(): readonly string[] {
    return [...this.#members.keys()];
  }

  /**
   * Replaces what the authorities of an organisation have taken back.
   *
   * @throws MspError UNKNOWN_MSP
   */
  setRevocations(mspId: string, revocations: NonNullable<MspDefinition['revocations']>): void {
    const member = this.#members.get(mspId);
    if (member === undefined) throw new MspError('UNKNOWN_MSP', `MSP ${mspId} is not a member of the channel.`);
    const revokedAtMs = new Map(revocations.map((revocation) => [revocation.serialHex, revocation.revokedAtMs]));
    this.#members.set(mspId, { ...member, revokedAtMs });
    // Whoever was looked up before was found in good standing.
    this.#identities.clear();
  }

  /**
   * Who a serialised identity is: issued by an authority of its MSP, with a P-256 key. Says nothing about time.
   *
   * @param serializedIdentity - msp.SerializedIdentity
   * @throws MspError
   */
  identity(serializedIdentity: Uint8Array): MspIdentity {
    const cacheKey = Buffer.from(
      serializedIdentity.buffer,
      serializedIdentity.byteOffset,
      serializedIdentity.length,
    ).toString('latin1');
    const known = this.#identities.get(cacheKey);
    if (known !== undefined) return known;
    const identity = this.#readIdentity(serializedIdentity);
    if (this.#identities.size >= this.#identitiesMax) {
      const oldest = this.#identities.keys().next();
      if (oldest.done !== true) this.#identities.delete(oldest.value);
    }
    this.#identities.set(cacheKey, identity);
    return identity;
  }

  /**
   * Checks issuer, role, revocation, low s and signature. Not the validity period: as in Fabric, only what comes in
   * from clients is held against the end of a certificate (`hasEnded`), so that blocks mean the same in later years.
   *
   * @param atMs - when the certificate must not have been revoked: now for a live request; for a transaction in a block
   * the time in its header
   * @throws MspError
   */
  verify(
    serializedIdentity: Uint8Array,
    data: Uint8Array,
    signature: Uint8Array,
    atMs: number = Date.now(),
  ): MspIdentity {
    const identity = this.identity(serializedIdentity);
    checkStanding(identity, atMs);
    if (!isLowS(signature)) throw new MspError('HIGH_S', 'The signature is malformed or its s is not the lower one.');
    if (!verify('sha256', data, identity.publicKey, signature)) {
      throw new MspError('BAD_SIGNATURE', 'The signature does not fit the data and the certificate.');
    }
    return identity;
  }

  #readIdentity(serializedIdentity: Uint8Array): MspIdentity {
    const { mspId, certificate } = parseSerializedIdentity(serializedIdentity);
    const member = this.#members.get(mspId);
    if (member === undefined) throw new MspError('UNKNOWN_MSP', `MSP ${mspId} is not a member of the channel.`);
    const issuer = member.authorities.find(
      (authority) => certificate.checkIssued(authority.certificate) && certificate.verify(authority.publicKey),
    );
    if (issuer === undefined) {
      throw new MspError('NOT_ISSUED_BY_MSP', `The certificate was not issued by an authority of ${mspId}.`);
    }
    const publicKey = certificate.publicKey;
    if (publicKey.asymmetricKeyType !== 'ec' || publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
      throw new MspError('UNSUPPORTED_KEY', 'The key in the certificate is not on curve P-256.');
    }
    return {
      mspId,
      certificate,
      publicKey,
      validToMs: certificate.validToDate.getTime(),
      ou: nodeOuOf(certificate),
      revokedAtMs: member.revokedAtMs.get(certificate.serialNumber.toLowerCase().replace(/^0+(?=.)/, '')),
    };
  }
}

/**
 * Whether a certificate gives its holder a part in the channel: one role, not taken back. A transaction from before the
 * revocation stays what it was, so that every replay of the blocks comes to the same result.
 *
 * @throws MspError NO_ROLE, REVOKED
 */
export function checkStanding(identity: MspIdentity, atMs: number): void {
  if (identity.ou === undefined) {
    throw new MspError(
      'NO_ROLE',
      `The certificate names none of ${NODE_OUS.join(', ')} as organisational unit, or several.`,
    );
  }
  if (identity.revokedAtMs !== undefined && atMs >= identity.revokedAtMs) {
    throw new MspError('REVOKED', `The certificate was revoked on ${new Date(identity.revokedAtMs).toISOString()}.`);
  }
}

export function hasEnded(identity: MspIdentity, nowMs: number): boolean {
  return nowMs > identity.validToMs;
}

function readAuthority(mspId: string, pem: string): Authority {
  const certificate = new X509Certificate(pem);
  if (!certificate.ca) {
    throw new MspError('NOT_ISSUED_BY_MSP', `A certificate given as an authority of ${mspId} may not issue others.`);
  }
  return { certificate, publicKey: certificate.publicKey };
}

function parseSerializedIdentity(bytes: Uint8Array): { mspId: string; certificate: X509Certificate } {
  if (bytes.length > SERIALIZED_IDENTITY_MAX_BYTES) {
    throw new MspError('MALFORMED_IDENTITY', 'The identity is larger than any certificate.');
  }
  try {
    const serialized = parseMessage(msp.SerializedIdentity, bytes);
    return { mspId: serialized.getMspid(), certificate: new X509Certificate(serialized.getIdBytes_asU8()) };
  } catch (cause) {
    throw new MspError('MALFORMED_IDENTITY', 'The identity is not an MSP id with a certificate.', { cause });
  }
}

function nodeOuOf(certificate: X509Certificate): NodeOu | undefined {
  // The legacy object keeps multi-valued attributes apart; the subject string would have to be parsed again.
  const named: unknown = certificate.toLegacyObject().subject?.OU;
  const values: readonly unknown[] = Array.isArray(named) ? named : [named];
  const ous = NODE_OUS.filter((ou) => values.includes(ou));
  return ous.length === 1 ? ous[0] : undefined;
}
