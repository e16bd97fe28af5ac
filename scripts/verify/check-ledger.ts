import type { LedgerTopology } from '../../network/topology.js';
import { CannotLook } from './cannot-look.js';
import { checkAgreement } from './check-peers.js';
import type { CheckedPeer, LedgerLook } from './checked-peer.js';
import type { CheckResult } from './finding.js';
import type { LedgerFolder } from './ledger-folder.js';

/** @throws CannotLook when the one that was asked for has no peer */
export function chosenPeers({ peers }: LedgerFolder<LedgerTopology>, asked: string | undefined): readonly string[] {
  const known = peers.map(({ mspId }) => mspId);
  const chosen = known.filter((mspId) => mspId === (asked ?? mspId));
  if (chosen.length > 0) return chosen;
  throw new CannotLook(`There is no peer of ${asked}; --peer takes one of ${known.join(', ')}.`);
}

/** What any ledger is checked for: each peer by itself, peers against each other, and the orderer against them. */
export async function checkLedger(
  ledger: LedgerLook,
  done: (...results: readonly CheckResult[]) => void,
): Promise<readonly CheckedPeer[]> {
  const peers: CheckedPeer[] = [];
  for (const mspId of ledger.mspIds) {
    const peer = await ledger.checkPeer(mspId);
    peers.push(peer);
    done(peer.result);
  }
  const verifications = peers.map(({ verification }) => verification);
  done(await checkAgreement(peers), ...(await ledger.checkOrderers(verifications)));
  return peers;
}
