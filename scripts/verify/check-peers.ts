import { parseBlock } from '../../network/devledger/commit/block-codec.js';
import { blockHeaderHash } from '../../network/devledger/commit/block-hash.js';
import { genesisBlock } from '../../network/devledger/commit/genesis-block.js';
import type { Finding as PeerFinding, PeerVerification } from '../../network/devledger/store/finding.js';
import { comparePeers, verifyPeer } from '../../network/devledger/store/verify-peer.js';
import type { LedgerTopology } from '../../network/topology.js';
import { CATCH_UP, REBUILD, REFILL, STARTS_OVER } from './advice.js';
import type { CheckedPeer } from './checked-peer.js';
import { CheckLog, type CheckResult } from './finding.js';
import type { LedgerFolder } from './ledger-folder.js';
import { inOriginal, type PeerCopy } from './peer-copy.js';

const BLOCK_CORRUPT = 'BLOCK_CORRUPT: ';
export const UNREADABLE_BLOCK = 'it cannot be read: its bytes do not match their digest';

/**
 * One peer by itself: its blocks against each other and against the rules they were made by, its database against its
 * blocks.
 */
export async function checkPeer(
  folder: LedgerFolder<LedgerTopology>,
  copy: PeerCopy,
): Promise<Pick<CheckedPeer, 'verification' | 'result'>> {
  const { mspId, original } = copy;
  const verification = await verifyPeer({ mspId, directory: copy.directory }, folder.rules);
  const log = new CheckLog('peer', mspId, REBUILD(mspId));
  log.count('blocks', verification.height);
  log.count('transactions', verification.transactions);
  log.count('state rows', verification.stateRows);
  if (verification.privateRows > 0) log.count('private values', verification.privateRows);
  if (!copy.hasBlocks) log.found(original, 'the peer has no blocks', REFILL(original));
  if (!copy.hasState) log.found(original, 'the peer has no state database', STARTS_OVER);
  if (copy.hasBlocks) checkGenesis(folder, verification, log);
  for (const { kind, where, detail } of findingsOf(copy, verification)) {
    const next = kind === 'block' ? REFILL(original) : REBUILD(mspId);
    log.found(`${kind}: ${inOriginal(where, copy)}`, inOriginal(shortOf(detail), copy), next);
  }
  return { verification, result: log.result };
}

/** Without a database every row is missing; that is said once. */
function findingsOf(copy: PeerCopy, { findings }: PeerVerification): readonly PeerFinding[] {
  return copy.hasState ? findings : findings.filter(({ kind }) => kind === 'block');
}

/** Where the block stands is said already. */
function shortOf(detail: string): string {
  return detail.startsWith(BLOCK_CORRUPT) ? UNREADABLE_BLOCK : detail;
}

function checkGenesis(
  { msps, rules }: LedgerFolder<LedgerTopology>,
  { blocks }: PeerVerification,
  log: CheckLog,
): void {
  const expected = blockHeaderHash(parseBlock(genesisBlock({ ...rules, msps }))).toString('hex');
  const found = blocks[0]?.headerHashHex;
  if (found === undefined || found === expected) return;
  log.found(
    'block 0',
    'it does not name the organisations and certificates in organizations/',
    'Bring back the certificates this ledger was made with, from a backup of organizations/.',
  );
}

/** Heights, block hashes and commit hashes of all peers that were checked. */
export async function checkAgreement(peers: readonly CheckedPeer[]): Promise<CheckResult> {
  const log = new CheckLog('agreement', 'network', CATCH_UP);
  const verifications = peers.map(({ verification }) => verification);
  log.count('peers', peers.length);
  log.count('blocks', Math.max(0, ...verifications.map(({ height }) => height)));
  const highest = Math.max(0, ...verifications.map(({ height }) => height));
  for (const { peer, where, detail } of peers.length > 1 ? comparePeers(verifications) : []) {
    const found = peers.find(({ mspId }) => mspId === peer);
    const isHeight = where.startsWith('height');
    // A ledger that runs went on while the peers were looked at one after the other.
    if (isHeight && found !== undefined && (await found.heightNow()) >= highest) continue;
    log.found(`${peer} ${where}`, detail, isHeight ? CATCH_UP : (found?.refill ?? CATCH_UP));
  }
  return log.result;
}
