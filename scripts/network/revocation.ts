import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { FabricError } from '../../network/fabric/fabric-error.js';
import { publishRevocations } from '../../network/fabric/publish-revocations.js';
import {
  isIssuedBy,
  readIssued,
  REVOCATION_DELAY_MS,
  revokeSerials,
  serialHexOf,
} from '../../network/identities/index.js';
import type { Organisation, Topology } from '../../network/topology.js';
import { fabricRun } from './fabric-context.js';
import { isHeld, type NetworkContext } from './network-context.js';

/** What is to be taken back: one certificate, or all of a member. */
export interface RevocationOptions {
  /** PEM file. */
  readonly cert?: string;
  /** Member id. */
  readonly member?: string;
}

export interface RevokedResult {
  readonly mspId: string;
  readonly serialsHex: readonly string[];
  /** How many of them had not been taken back before. */
  readonly fresh: number;
  /** Number of the configuration of the channel; Fabric only. */
  readonly configSequence?: number;
  readonly elapsedMs: number;
}

/**
 * Takes certificates back. On return the running ledger refuses whoever shows one of them. The embedded ledger need not
 * run: it refuses them from its next start on; Fabric learns of them by a change of its channel, so it has to.
 *
 * @throws FabricError CERTIFICATE_UNKNOWN, NETWORK_NOT_RUNNING, CHANNEL_UPDATE_REFUSED
 */
export async function revoke(context: NetworkContext, options: RevocationOptions): Promise<RevokedResult> {
  const startedAtMs = Date.now();
  const { dataDir, topology, ledger } = context;
  const { organisation, serialsHex } = chosen(topology, dataDir, options);
  if (organisation.fabricCa !== undefined)
    throw unknown(
      `${organisation.mspId} is certified by the Fabric CA at ${organisation.fabricCa.url}: revoke it there`,
    );
  // Asked first: a list that could not be published would be believed to count.
  const run = ledger === 'fabric' ? await fabricRun(context, 'revoke') : undefined;
  const fresh = await revokeSerials(dataDir, organisation.domain, serialsHex, { delayMs: REVOCATION_DELAY_MS });
  const result = { mspId: organisation.mspId, serialsHex, fresh };
  if (run === undefined) {
    if (fresh > 0 && isHeld(dataDir)) await wait(REVOCATION_DELAY_MS);
    return { ...result, elapsedMs: Date.now() - startedAtMs };
  }
  const configSequence = await run.progress.step('revocation list in the channel', () =>
    publishRevocations(run.place, organisation),
  );
  return { ...result, configSequence, elapsedMs: Date.now() - startedAtMs };
}

export function revokedLines({ mspId, serialsHex, fresh, elapsedMs }: RevokedResult): readonly string[] {
  const before = serialsHex.length - fresh;
  return [
    `${fresh} certificates of ${mspId} taken back${before === 0 ? '' : `, ${before} had been before`}, after ${(elapsedMs / 1000).toFixed(1)} s`,
  ];
}

function chosen(
  topology: Topology,
  dataDir: string,
  { cert, member }: RevocationOptions,
): { readonly organisation: Organisation; readonly serialsHex: readonly string[] } {
  if (cert !== undefined && member === undefined) return ofFile(topology, dataDir, cert);
  if (member !== undefined && cert === undefined) return ofMember(topology, dataDir, member);
  throw unknown('name either a certificate with --cert or a member with --member');
}

function ofFile(topology: Topology, dataDir: string, file: string) {
  const { pem, serialHex } = readCertificate(file);
  const organisation = topology.organisations.find(({ domain }) => isIssuedBy(dataDir, domain, pem));
  if (organisation === undefined) throw unknown(`no authority of this network issued the certificate in ${file}`);
  return { organisation, serialsHex: [serialHex] };
}

function readCertificate(file: string): { readonly pem: string; readonly serialHex: string } {
  try {
    const pem = readFileSync(file, 'utf8');
    return { pem, serialHex: serialHexOf(new X509Certificate(pem).serialNumber) };
  } catch (cause) {
    throw unknown(`${file} holds no certificate in PEM`, cause);
  }
}

function ofMember(topology: Topology, dataDir: string, memberId: string) {
  for (const organisation of topology.organisations) {
    const issued = readIssued(dataDir, organisation.domain).filter((entry) => entry.memberId === memberId);
    if (issued.length > 0) return { organisation, serialsHex: issued.map(({ serialHex }) => serialHexOf(serialHex)) };
  }
  throw unknown(`no authority of this network issued a certificate to ${memberId}`);
}

function unknown(what: string, cause?: unknown): FabricError {
  return new FabricError('CERTIFICATE_UNKNOWN', `${what}; see docs/organisations.md.`, { cause });
}
