import { createHash } from 'node:crypto';
import { GatewayError } from './identity-errors.js';
import type { MemberCard } from './member-keys.js';
import type { PasswordCost } from './password-key.js';

/** One member's keys as they are stored: public parts in the clear, private parts sealed under the password. */
export interface WalletRow extends MemberCard {
  readonly signingPublicKeySpki: Uint8Array;
  readonly encryptionPublicKey: Uint8Array;
  readonly cost: PasswordCost;
  readonly salt: Uint8Array;
  readonly sealedKeys: Uint8Array;
}

export const WALLET_SCHEMA = `CREATE TABLE IF NOT EXISTS wallets (
  member_id TEXT PRIMARY KEY,
  role TEXT NOT NULL,
  agency_id TEXT,
  msp_id TEXT NOT NULL,
  certificate_pem TEXT NOT NULL,
  signing_public_key BLOB NOT NULL,
  encryption_public_key BLOB NOT NULL,
  memory_kib INTEGER NOT NULL,
  passes INTEGER NOT NULL,
  parallelism INTEGER NOT NULL,
  salt BLOB NOT NULL,
  sealed_keys BLOB NOT NULL,
  row_digest BLOB NOT NULL
) STRICT, WITHOUT ROWID`;

export type WalletColumns = [
  string,
  string,
  string | null,
  string,
  string,
  Uint8Array,
  Uint8Array,
  number,
  number,
  number,
  Uint8Array,
  Uint8Array,
  Uint8Array,
];

/** The columns of WALLET_SCHEMA, in its order. */
export function columnsOf(row: WalletRow): WalletColumns {
  return [
    row.memberId,
    row.role,
    row.agencyId ?? null,
    row.mspId,
    row.certificatePem,
    row.signingPublicKeySpki,
    row.encryptionPublicKey,
    row.cost.memoryKib,
    row.cost.passes,
    row.cost.parallelism,
    row.salt,
    row.sealedKeys,
    digestOf(row),
  ];
}

/**
 * SQLite hands out a page with a flipped bit as if nothing had happened, and under a flipped salt a right password
 * looks wrong. The digest tells the two apart.
 *
 * @throws GatewayError WALLET_UNREADABLE
 */
export function parseWalletRow(columns: Record<string, unknown>): WalletRow {
  const agencyId = columns.agency_id;
  const row: WalletRow = {
    memberId: String(columns.member_id),
    role: String(columns.role),
    ...(agencyId === null ? {} : { agencyId: String(agencyId) }),
    mspId: String(columns.msp_id),
    certificatePem: String(columns.certificate_pem),
    signingPublicKeySpki: parseBytes(columns.signing_public_key),
    encryptionPublicKey: parseBytes(columns.encryption_public_key),
    cost: {
      memoryKib: Number(columns.memory_kib),
      passes: Number(columns.passes),
      parallelism: Number(columns.parallelism),
    },
    salt: parseBytes(columns.salt),
    sealedKeys: parseBytes(columns.sealed_keys),
  };
  if (Buffer.compare(digestOf(row), parseBytes(columns.row_digest)) !== 0) {
    throw walletUnreadable(row.memberId, 'does not match its digest');
  }
  return row;
}

/** What the sealed keys are bound to: nobody can move them to another member, role or public key. */
export function walletAssociatedData(row: Omit<WalletRow, 'cost' | 'salt' | 'sealedKeys'>): Uint8Array {
  return joined([
    'medledger/wallet/v1',
    row.memberId,
    row.role,
    row.agencyId ?? '',
    row.mspId,
    row.signingPublicKeySpki,
    row.encryptionPublicKey,
  ]);
}

export function walletUnreadable(memberId: string, what: string, cause?: unknown): GatewayError {
  return new GatewayError('WALLET_UNREADABLE', `the wallet of ${memberId} ${what}; restore the store from a backup.`, {
    cause,
  });
}

function digestOf(row: WalletRow): Uint8Array {
  const { memoryKib, passes, parallelism } = row.cost;
  const fields = [row.certificatePem, `${memoryKib},${passes},${parallelism}`, row.salt, row.sealedKeys];
  return createHash('sha256')
    .update(joined([walletAssociatedData(row), ...fields]))
    .digest();
}

/** Each field with its length before it, so that no two lists of fields give the same bytes. */
function joined(fields: readonly (string | Uint8Array)[]): Uint8Array {
  return Buffer.concat(
    fields.flatMap((field) => {
      const bytes = typeof field === 'string' ? Buffer.from(field, 'utf8') : field;
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return [length, bytes];
    }),
  );
}

function parseBytes(value: unknown): Uint8Array {
  return ArrayBuffer.isView(value)
    ? new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    : new Uint8Array(0);
}
