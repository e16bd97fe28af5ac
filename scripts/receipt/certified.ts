import { msp } from '@hyperledger/fabric-protos';
import { MspError, type MspIdentity, type MspRegistry } from '../../network/devledger/msp.js';
import { fault } from './receipt-fault.js';

export type ServiceUser = 'Custodian' | 'Registrar';

/** Who an organisation's authority says that somebody is, in the words of an error. */
export interface Claimed {
  readonly mspId: string;
  /** DER. */
  readonly certificate: Uint8Array;
}

/** The bytes in which Fabric carries an identity; a certificate in DER says the same as one in PEM. */
export function serializedIdentity({ mspId, certificate }: Claimed): Uint8Array {
  const identity = new msp.SerializedIdentity();
  identity.setMspid(mspId);
  identity.setIdBytes(certificate);
  return identity.serializeBinary();
}

/**
 * The signature is one of this organisation's service user, whose certificate was good at the time. Members have
 * certificates of the same authority, so that the name is looked at, too.
 *
 * @throws ReceiptFault
 */
export function requireServiceSignature(
  registry: MspRegistry,
  given: Claimed & {
    readonly user: ServiceUser;
    readonly bytes: Uint8Array;
    /** DER. */
    readonly signature: Uint8Array;
    readonly atMs: number;
  },
): void {
  const { bytes, signature, atMs, user, mspId } = given;
  const identity = verifiedIdentity(registry, { identity: serializedIdentity(given), bytes, signature, atMs });
  requireName(identity, user, mspId);
}

/** @throws ReceiptFault unless the certificate is of this organisation's service user */
export function requireServiceCertificate(registry: MspRegistry, given: Claimed & { readonly user: ServiceUser }) {
  const identity = unlessMspError(() => registry.identity(serializedIdentity(given)));
  requireName(identity, given.user, given.mspId);
  return identity;
}

/** @throws ReceiptFault unless whom the certificate names signed these bytes, and could at that time */
export function verifiedIdentity(
  registry: MspRegistry,
  given: {
    /** msp.SerializedIdentity */
    readonly identity: Uint8Array;
    readonly bytes: Uint8Array;
    readonly signature: Uint8Array;
    readonly atMs: number;
  },
): MspIdentity {
  const { bytes, signature, atMs } = given;
  const identity = unlessMspError(() => registry.verify(given.identity, bytes, signature, atMs));
  const fromMs = identity.certificate.validFromDate.getTime();
  if (atMs < fromMs || atMs > identity.validToMs)
    fault(`the certificate of ${identity.mspId} was not valid on ${new Date(atMs).toISOString()}`);
  return identity;
}

function requireName(identity: MspIdentity, user: ServiceUser, mspId: string): void {
  const name: unknown = identity.certificate.toLegacyObject().subject?.CN;
  if (typeof name !== 'string' || !name.startsWith(`${user}@`))
    fault(`the certificate of ${mspId} is not that of its ${user}, but of ${String(name)}`);
}

function unlessMspError<T>(look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof MspError) return fault(error.message, error);
    throw error;
  }
}
