import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MspDefinition } from '../../network/devledger/msp.js';
import { IdentitiesError, parseMspId, type Revocation, readRevocationList } from '../../network/identities/index.js';
import { CannotLook } from '../verify/cannot-look.js';

/**
 * The members' authorities, which is all that a receipt is checked against. Three layouts: `<mspId>/cacerts/*.pem`
 * (with `<mspId>/crls/*.pem`, where something was taken back), the `organizations/` folder of a network, or a data
 * folder that has one.
 *
 * @throws CannotLook when there is none of them
 */
export function readMembers(directory: string): readonly MspDefinition[] {
  const members = organisationFolders(directory).map(({ mspId, msp }) => readMember(mspId, msp));
  if (members.length > 0) return members;
  throw new CannotLook(
    `${directory} holds no certificates: give --msp a folder with <mspId>/cacerts/*.pem, or the organizations/ folder of a network.`,
  );
}

interface Place {
  readonly mspId: string;
  /** Folder with `cacerts`. */
  readonly msp: string;
}

function organisationFolders(directory: string): readonly Place[] {
  const roots = [join(directory, 'organizations'), directory].map((root) => join(root, 'peerOrganizations'));
  const network = roots.find((root) => existsSync(root));
  if (network === undefined)
    return foldersIn(directory)
      .map((mspId) => ({ mspId, msp: join(directory, mspId) }))
      .filter(({ msp }) => existsSync(join(msp, 'cacerts')));
  return foldersIn(network).map((domain) => {
    const folder = join(network, domain);
    return { mspId: readMspId(folder), msp: join(folder, 'msp') };
  });
}

function readMspId(folder: string): string {
  try {
    return parseMspId(folder);
  } catch (cause) {
    if (cause instanceof IdentitiesError) throw new CannotLook(cause.message, { cause });
    throw cause;
  }
}

function readMember(mspId: string, msp: string): MspDefinition {
  const caCertPems = pemsIn(join(msp, 'cacerts')).map((path) => readFileSync(path, 'utf8'));
  return { mspId, caCertPems, revocations: pemsIn(join(msp, 'crls')).flatMap((path) => readList(path, caCertPems)) };
}

/** A list that none of the authorities signed is not passed over: everybody on it would be let in again. */
function readList(path: string, caCertPems: readonly string[]): readonly Revocation[] {
  let cause: unknown;
  for (const pem of caCertPems) {
    try {
      return readRevocationList(path, pem);
    } catch (error) {
      if (!(error instanceof IdentitiesError)) throw error;
      cause = error;
    }
  }
  throw new CannotLook(`${path} is not a revocation list of this organisation's authority.`, { cause });
}

function pemsIn(directory: string): readonly string[] {
  if (!existsSync(directory)) return [];
  const names = readdirSync(directory).filter((name) => name.endsWith('.pem'));
  return names.sort().map((name) => join(directory, name));
}

function foldersIn(directory: string): readonly string[] {
  if (!existsSync(directory)) throw new CannotLook(`${directory} is not there: give --msp the folder of certificates.`);
  const entries = readdirSync(directory, { withFileTypes: true });
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
}
