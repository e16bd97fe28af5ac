import { existsSync } from 'node:fs';
import { type BlockParts, encodeBlock } from '../../../network/devledger/commit/block-codec.js';
import { MspRegistry, type MspDefinition } from '../../../network/devledger/msp.js';
import type { Finding, PeerVerification } from '../../../network/devledger/store/finding.js';
import { FabricBlockFiles } from '../../../network/fabric/store/block-files.js';
import { peerBlocksFolder, peerStateFolder } from '../../../network/fabric/store/store-paths.js';
import { REBUILD, REPLACE_PEER, STARTS_OVER } from '../advice.js';
import type { CheckedPeer } from '../checked-peer.js';
import { CheckLog } from '../finding.js';
import type { LedgerFolder } from '../ledger-folder.js';
import { type BlockSource, indexTransactions } from '../transaction-index.js';
import { compareFabricState, type StateComparison } from './compare-fabric-state.js';
import { FabricState, type StateCopy } from './fabric-state.js';
import { membersFault } from './channel-members.js';
import { walkFabricBlocks } from './walk-fabric-blocks.js';

/** One of Fabric's peers to look at: its own block files, and a copy of its state. */
export interface FabricPeer {
  readonly mspId: string;
  readonly host: string;
  /** Undefined where the peer has none. */
  readonly state: StateCopy | undefined;
}

/** The channel's organisations as the data folder has them, the orderers' with them. */
export type ChannelMsps = readonly MspDefinition[];

/** One peer by itself: its blocks against each other and the rules, its state against its blocks. */
export async function checkFabricPeer(folder: LedgerFolder, msps: ChannelMsps, peer: FabricPeer): Promise<CheckedPeer> {
  const { mspId, host } = peer;
  const refill = REPLACE_PEER(mspId);
  const directory = peerBlocksFolder(folder.dataDir, host, folder.topology.channel);
  const log = new CheckLog('peer', mspId, REBUILD(mspId));
  const hasBlocks = existsSync(directory);
  const verification = hasBlocks ? await verify(folder, msps, peer) : nothingOf(mspId);
  log.count('blocks', verification.height);
  log.count('transactions', verification.transactions);
  log.count('state rows', verification.stateRows);
  if (!hasBlocks) log.found(directory, 'the peer has no blocks', refill);
  if (peer.state === undefined)
    log.found(peerStateFolder(folder.dataDir, host), 'the peer has no state database', STARTS_OVER);
  for (const { kind, where, detail } of verification.findings)
    log.found(`${kind}: ${where}`, detail, kind === 'block' ? refill : REBUILD(mspId));
  const inspect = () => FabricBlockFiles.inspect({ directory, owner: mspId });
  return {
    mspId,
    refill,
    verification,
    result: log.result,
    hasState: hasBlocks && stateFile(peer) !== undefined,
    withBlocks: (action) => action(sourceOf(inspect())),
    heightNow: async () => (hasBlocks ? inspect().nextSequence : 0),
    async open() {
      const state = hasBlocks ? openState(folder, peer) : undefined;
      return state && { state, index: await indexTransactions(sourceOf(inspect())) };
    },
  };
}

async function verify(folder: LedgerFolder, msps: ChannelMsps, peer: FabricPeer): Promise<PeerVerification> {
  const { mspId, host, state } = peer;
  const { channel } = folder.topology;
  const files = FabricBlockFiles.inspect({
    directory: peerBlocksFolder(folder.dataDir, host, channel),
    owner: mspId,
  });
  const database = openState(folder, peer);
  try {
    const deciders = folder.peers.map((organisation) => organisation.mspId);
    const height = database?.height;
    let compared: StateComparison | undefined;
    const walked = await walkFabricBlocks({
      files,
      msps: new MspRegistry(msps),
      membersFault: (block: BlockParts) => membersFault(block, msps),
      judged: {
        rules: { ...folder.rules, deciders },
        stateHeight: height ?? files.nextSequence,
        onState: (replayed) => {
          compared = database && compareFabricState(mspId, database, replayed);
        },
      },
    });
    const findings: Finding[] = [
      ...walked.faults.map((fault) => ({ peer: mspId, kind: 'block' as const, ...fault })),
      ...(state !== undefined && 'fault' in state ? [unreadableState(folder, peer, state.fault)] : []),
      ...heightFindings(mspId, files.nextSequence, database && { height }),
      ...(compared?.findings ?? []),
    ];
    const { hashes, transactions } = walked;
    return {
      peer: mspId,
      height: files.nextSequence,
      stateRows: compared?.rows ?? 0,
      privateRows: 0,
      transactions,
      findings,
      blocks: hashes,
    };
  } finally {
    await database?.close();
  }
}

function heightFindings(peer: string, blocks: number, state: { height: number | undefined } | undefined): Finding[] {
  if (state === undefined) return [];
  const { height } = state;
  if (height === undefined)
    return [{ peer, kind: 'state', where: 'savepoint', detail: 'the state does not tell which block it is of' }];
  if (height <= blocks) return [];
  return [
    {
      peer,
      kind: 'block',
      where: `block ${blocks}`,
      detail: `the state has seen ${height} blocks; the files hold ${blocks}`,
    },
  ];
}

function unreadableState({ dataDir }: LedgerFolder, { mspId, host }: FabricPeer, fault: string): Finding {
  const where = peerStateFolder(dataDir, host);
  return { peer: mspId, kind: 'state', where, detail: `the state database of ${mspId} cannot be read (${fault})` };
}

function openState({ topology }: LedgerFolder, peer: FabricPeer): FabricState | undefined {
  const file = stateFile(peer);
  return file === undefined
    ? undefined
    : new FabricState({ file, channel: topology.channel, namespace: topology.chaincode.name });
}

function stateFile({ state }: FabricPeer): string | undefined {
  return state !== undefined && 'file' in state ? state.file : undefined;
}

function sourceOf(files: FabricBlockFiles): BlockSource {
  return {
    firstSequence: files.firstSequence,
    nextSequence: files.nextSequence,
    read: async (number) => {
      const block = await files.read(number);
      return block && encodeBlock(block);
    },
  };
}

function nothingOf(peer: string): PeerVerification {
  return { peer, height: 0, stateRows: 0, privateRows: 0, transactions: 0, findings: [], blocks: [] };
}
