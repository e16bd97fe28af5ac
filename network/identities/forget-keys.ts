import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PUBLIC_FILE_MODE, replaceFile } from './durable-file.js';
import { mspKeyPair, nodeFolder, organisationFolder } from './identity-paths.js';
import { readCertificate } from './key-pair.js';

/**
 * Removes keys and certificates of a peer, so that `ensureIdentities` makes new ones. Its certificate as an endorser is
 * kept: only who has it can have it revoked.
 *
 * @returns paths of the certificates that are kept
 */
export function forgetPeerKeys(dataDir: string, domain: string, host: string): readonly string[] {
  const organisation = organisationFolder(dataDir, domain);
  const folder = nodeFolder(organisation, host, 'peer');
  const { certificate } = mspKeyPair(join(folder, 'msp'), host);
  const kept: string[] = [];
  if (existsSync(certificate)) {
    const path = join(
      organisation,
      'replaced',
      `${host}-${readCertificate(certificate).serialNumber.toLowerCase()}.pem`,
    );
    replaceFile(path, readFileSync(certificate, 'utf8'), PUBLIC_FILE_MODE);
    kept.push(path);
  }
  rmSync(folder, { recursive: true, force: true });
  return kept;
}
