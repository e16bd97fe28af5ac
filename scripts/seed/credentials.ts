import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { replaceFile, syncDirectory } from '../../gateway/durable-files.js';
import { StartError } from '../start/start-error.js';

/** How a person of the demonstration signs in. */
export interface Credential {
  readonly memberId: string;
  readonly role: string;
  readonly agencyId?: string;
  /** MSP id. */
  readonly organisation: string;
  readonly gatewayUrl: string;
  readonly password: string;
}

export const CREDENTIALS_FILE = 'demo-credentials.json';
/** 144 bits. */
const PASSWORD_BYTES = 18;

export function newPassword(): string {
  return randomBytes(PASSWORD_BYTES).toString('base64url');
}

/** The list in `demo-credentials.json`, readable by its owner only. Every change is on disk when it resolves. */
export class Credentials {
  readonly #path: string;
  readonly #list: Credential[];
  #writing: Promise<void> = Promise.resolve();

  /** @throws StartError when the file is there and is not what this wrote */
  constructor(dataDir: string) {
    this.#path = join(dataDir, CREDENTIALS_FILE);
    this.#list = existsSync(this.#path) ? readList(this.#path) : [];
  }

  get all(): readonly Credential[] {
    return this.#list;
  }

  find(memberId: string): Credential | undefined {
    return this.#list.find((credential) => credential.memberId === memberId);
  }

  /** Replaces those that are there already. */
  async put(credentials: readonly Credential[]): Promise<void> {
    for (const credential of credentials) {
      const at = this.#list.findIndex(({ memberId }) => memberId === credential.memberId);
      this.#list.splice(at < 0 ? this.#list.length : at, at < 0 ? 0 : 1, credential);
    }
    await this.#write();
  }

  /** Ports may be others than last time. */
  async moveTo(gatewayUrlOf: (mspId: string) => string): Promise<void> {
    await this.put(this.#list.map((entry) => ({ ...entry, gatewayUrl: gatewayUrlOf(entry.organisation) })));
  }

  #write(): Promise<void> {
    // One after another, so that an older list never replaces a newer one.
    this.#writing = this.#writing.then(async () => {
      await replaceFile(this.#path, Buffer.from(`${JSON.stringify(this.#list, undefined, 2)}\n`));
      await syncDirectory(dirname(this.#path));
    });
    return this.#writing;
  }
}

function readList(path: string): Credential[] {
  try {
    return parseCredentials(JSON.parse(readFileSync(path, 'utf8')));
  } catch (cause) {
    throw new StartError(`${path} is not readable; restore it, or remove it: members then keep their old passwords.`, {
      cause,
    });
  }
}

export function parseCredentials(value: unknown): Credential[] {
  if (!Array.isArray(value)) throw new Error('a list is expected');
  for (const entry of value as Partial<Credential>[]) {
    const texts = [entry.memberId, entry.role, entry.organisation, entry.gatewayUrl, entry.password];
    if (texts.some((text) => typeof text !== 'string')) throw new Error('an entry lacks a member');
  }
  return value as Credential[];
}
