import { randomBytes, X509Certificate } from 'node:crypto';
import type { DatabaseSync } from 'node:sqlite';
import { openDurableDatabase } from '../durable-database.js';
import { GatewayError } from './identity-errors.js';
import { LoginThrottle } from './login-throttle.js';
import {
  type MemberCard,
  type MemberKeys,
  packPrivateKeys,
  type UnlockedIdentity,
  unlockedIdentity,
  unpackPrivateKeys,
} from './member-keys.js';
import { PASSWORD_COST, type PasswordCost, PasswordKeys, requirePassword } from './password-key.js';
import { PASSWORD_LENGTH_MAX } from './identity-limits.js';
import { openSealedKeys, sealKeys } from './sealed-keys.js';
import { SignInTurns } from './sign-in-turns.js';
import {
  columnsOf,
  parseWalletRow,
  WALLET_SCHEMA,
  walletAssociatedData,
  type WalletRow,
  walletUnreadable,
} from './wallet-row.js';

/** Keys that an organisation keeps for its members. Safe to call at once from many places. */
export interface WalletStore {
  has(memberId: string): boolean;
  /**
   * Durable on return.
   *
   * @throws GatewayError WEAK_PASSWORD, MEMBER_EXISTS
   */
  create(wallet: NewWallet): Promise<void>;
  /**
   * A wrong password and an unknown member get the same answer after the same work.
   *
   * @throws GatewayError INVALID_CREDENTIALS, TOO_MANY_ATTEMPTS, WALLET_UNREADABLE
   */
  unlock(memberId: string, password: string): Promise<UnlockedIdentity>;
  /** What is public of a member; undefined when this gateway keeps no wallet for it. */
  find(memberId: string): PublicWallet | undefined;
  /** For a sign-up that did not reach the ledger. Ends nothing that is unlocked already. */
  remove(memberId: string): boolean;
  close(): void;
}

export interface NewWallet extends MemberCard {
  readonly keys: MemberKeys;
  readonly password: string;
}

export interface PublicWallet extends MemberCard {
  readonly signingPublicKeySpki: Uint8Array;
  readonly encryptionPublicKey: Uint8Array;
}

const SALT_BYTES = 16;
const MEMBER_ID_PATTERN = /^[a-z0-9][a-z0-9-]{0,63}$/;

/**
 * @param options.path - SQLite file; made where there is none
 * @param options.cost - of wallets made from now on; those stored keep their own
 * @throws GatewayError STORE_CORRUPT
 */
export function openWalletStore(options: {
  readonly path: string;
  readonly cost?: PasswordCost;
  readonly nowMs?: () => number;
}): WalletStore {
  const database = openDurableDatabase(options.path, WALLET_SCHEMA);
  return new SqliteWalletStore(database, options.cost ?? PASSWORD_COST, options.nowMs ?? Date.now);
}

class SqliteWalletStore implements WalletStore {
  readonly #database: DatabaseSync;
  readonly #cost: PasswordCost;
  readonly #throttle: LoginThrottle;
  readonly #passwordKeys = new PasswordKeys();
  readonly #turns = new SignInTurns();
  readonly #decoy: WalletRow;

  constructor(database: DatabaseSync, cost: PasswordCost, nowMs: () => number) {
    this.#database = database;
    this.#cost = cost;
    this.#throttle = new LoginThrottle(database, nowMs);
    this.#decoy = decoyRow(cost);
  }

  has(memberId: string): boolean {
    return this.#database.prepare('SELECT 1 FROM wallets WHERE member_id = ?').get(memberId) !== undefined;
  }

  async create(wallet: NewWallet): Promise<void> {
    requirePassword(wallet.password);
    if (this.has(wallet.memberId)) throw memberExists(wallet.memberId);
    const row = await this.#sealed(wallet);
    const { changes } = this.#database
      .prepare('INSERT INTO wallets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING')
      .run(...columnsOf(row));
    // Another sign-up may have come in while the key was derived.
    if (changes === 0) throw memberExists(wallet.memberId);
  }

  async unlock(memberId: string, password: string): Promise<UnlockedIdentity> {
    // Nobody can have enrolled with either, so refusing them at once tells nothing.
    if (!MEMBER_ID_PATTERN.test(memberId) || password.length > PASSWORD_LENGTH_MAX) throw invalidCredentials();
    return this.#turns.take(memberId, () => this.#unlockInTurn(memberId, password));
  }

  find(memberId: string): PublicWallet | undefined {
    const row = this.#row(memberId);
    if (row === undefined) return undefined;
    const { signingPublicKeySpki, encryptionPublicKey } = row;
    return { ...cardOf(row), signingPublicKeySpki, encryptionPublicKey };
  }

  remove(memberId: string): boolean {
    return this.#database.prepare('DELETE FROM wallets WHERE member_id = ?').run(memberId).changes === 1;
  }

  close(): void {
    this.#database.close();
  }

  async #unlockInTurn(memberId: string, password: string): Promise<UnlockedIdentity> {
    this.#throttle.requireUnlocked(memberId);
    const row = this.#row(memberId) ?? this.#decoy;
    const key = await this.#passwordKeys.derive(password, row.salt, row.cost);
    const packed = openSealedKeys(key, row.sealedKeys, walletAssociatedData(row));
    if (packed === undefined) {
      this.#throttle.failed(memberId);
      throw invalidCredentials();
    }
    this.#throttle.succeeded(memberId);
    return opened(row, packed);
  }

  async #sealed({ keys, password, ...card }: NewWallet): Promise<WalletRow> {
    const { signingPublicKeySpki, encryptionPublicKey } = keys;
    const open = { ...card, signingPublicKeySpki, encryptionPublicKey };
    const salt = randomBytes(SALT_BYTES);
    const key = await this.#passwordKeys.derive(password, salt, this.#cost);
    return {
      ...open,
      cost: this.#cost,
      salt,
      sealedKeys: sealKeys(key, packPrivateKeys(keys), walletAssociatedData(open)),
    };
  }

  #row(memberId: string): WalletRow | undefined {
    const columns = this.#database.prepare('SELECT * FROM wallets WHERE member_id = ?').get(memberId);
    return columns === undefined ? undefined : parseWalletRow(columns);
  }
}

function opened(row: WalletRow, packed: Uint8Array): UnlockedIdentity {
  const keys = unpackPrivateKeys(packed);
  if (!new X509Certificate(row.certificatePem).checkPrivateKey(keys.signingKey)) {
    throw walletUnreadable(row.memberId, 'holds the certificate of another key');
  }
  return unlockedIdentity(cardOf(row), keys);
}

function cardOf({ memberId, role, agencyId, mspId, certificatePem }: MemberCard): MemberCard {
  return { memberId, role, ...(agencyId === undefined ? {} : { agencyId }), mspId, certificatePem };
}

/** Stands in for members who do not exist, and never opens. */
function decoyRow(cost: PasswordCost): WalletRow {
  return {
    memberId: '',
    role: '',
    mspId: '',
    certificatePem: '',
    signingPublicKeySpki: new Uint8Array(0),
    encryptionPublicKey: new Uint8Array(0),
    cost,
    salt: randomBytes(SALT_BYTES),
    sealedKeys: randomBytes(200),
  };
}

function memberExists(memberId: string): GatewayError {
  return new GatewayError('MEMBER_EXISTS', `${memberId} has a wallet here already; sign in instead.`);
}

function invalidCredentials(): GatewayError {
  return new GatewayError('INVALID_CREDENTIALS', 'member id and password do not belong together.');
}
