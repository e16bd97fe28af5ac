import { randomBytes } from 'node:crypto';
import { common, ledger, peer } from '@hyperledger/fabric-protos';
import { blockDataHash } from '../../network/devledger/commit/block-hash.js';
import { openPeerLedger } from '../../network/devledger/commit/open-peer-ledger.js';
import { computeTxId } from '../../network/devledger/commit/envelope.js';
import { lengthDelimitedField, timestampBytes } from '../../network/devledger/endorse/wire-format.js';
import { signLowS } from '../../network/devledger/low-s.js';
import type { PeerLedger, Version } from '../../network/devledger/peer-ledger.js';
import { CHAINCODE, CHANNEL, commitAll, peerOptions, type TestIdentity, type TestNetwork } from './ledger-support.js';

const { kvrwset } = ledger.rwset;

export interface TransactionSpec {
  readonly reads?: readonly (readonly [key: string, version?: Version])[];
  readonly writes?: readonly (readonly [key: string, value: string | undefined])[];
  readonly ranges?: readonly RangeSpec[];
  readonly namespace?: string;
  readonly chaincode?: string;
  readonly channel?: string;
  readonly creator?: TestIdentity;
  readonly endorsers?: readonly TestIdentity[];
  readonly timestampMs?: number;
  readonly nonce?: Uint8Array;
  readonly txId?: string;
  /** Last touches before the envelope is signed, and on it afterwards. */
  readonly alter?: (parts: { endorsed: peer.ChaincodeEndorsedAction; results: ledger.rwset.TxReadWriteSet }) => void;
  readonly alterEnvelope?: (envelope: common.Envelope) => void;
}

export interface RangeSpec {
  readonly start: string;
  readonly end: string;
  readonly exhausted?: boolean;
  readonly reads: readonly (readonly [key: string, version: Version])[];
}

/** A whole endorsed and signed transaction as a gateway would submit it. */
export function transaction(network: TestNetwork, spec: TransactionSpec): { txId: string; envelope: Uint8Array } {
  const creator = spec.creator ?? network.client;
  const nonce = spec.nonce ?? randomBytes(24);
  const txId = spec.txId ?? computeTxId(nonce, creator.serialized);
  const extension = new peer.ChaincodeHeaderExtension();
  extension.setChaincodeId(chaincodeId(spec));
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(creator.serialized);
  signatureHeader.setNonce(nonce);
  const header = new common.Header();
  header.setSignatureHeader(signatureHeader.serializeBinary());
  header.setChannelHeader(
    channelHeaderBytes({
      txId,
      channel: spec.channel ?? CHANNEL,
      extension: extension.serializeBinary(),
      timestampMs: spec.timestampMs ?? Date.now(),
    }),
  );
  const proposalPayload = new Uint8Array([1, 2, 3]);
  const actionPayload = new peer.ChaincodeActionPayload();
  actionPayload.setChaincodeProposalPayload(proposalPayload);
  actionPayload.setAction(endorsedAction(network, spec, header, proposalPayload));
  const action = new peer.TransactionAction();
  action.setHeader(header.getSignatureHeader_asU8());
  action.setPayload(actionPayload.serializeBinary());
  const tx = new peer.Transaction();
  tx.addActions(action);
  return { txId, envelope: signedEnvelope(header, tx.serializeBinary(), creator, spec.alterEnvelope) };
}

function endorsedAction(
  network: TestNetwork,
  spec: TransactionSpec,
  header: common.Header,
  proposalPayload: Uint8Array,
): peer.ChaincodeEndorsedAction {
  const results = readWriteSet(spec);
  const endorsed = new peer.ChaincodeEndorsedAction();
  spec.alter?.({ endorsed, results });
  const action = new peer.ChaincodeAction();
  action.setResults(results.serializeBinary());
  action.setChaincodeId(chaincodeId(spec));
  const response = new peer.ProposalResponsePayload();
  // SHA-256 over the parts one behind the other, as for a block's data.
  const hashed = [header.getChannelHeader_asU8(), header.getSignatureHeader_asU8(), proposalPayload];
  response.setProposalHash(blockDataHash(hashed));
  response.setExtension$(action.serializeBinary());
  const responseBytes = response.serializeBinary();
  endorsed.setProposalResponsePayload(responseBytes);
  for (const endorser of spec.endorsers ?? network.peers.slice(0, 2)) {
    const endorsement = new peer.Endorsement();
    endorsement.setEndorser(endorser.serialized);
    endorsement.setSignature(signLowS(endorser.key, Buffer.concat([responseBytes, endorser.serialized])));
    endorsed.addEndorsements(endorsement);
  }
  return endorsed;
}

function chaincodeId(spec: TransactionSpec): peer.ChaincodeID {
  const id = new peer.ChaincodeID();
  id.setName(spec.chaincode ?? CHAINCODE);
  id.setVersion('1.0');
  return id;
}

export function signedEnvelope(
  header: common.Header,
  data: Uint8Array,
  creator: TestIdentity,
  alter?: (envelope: common.Envelope) => void,
): Uint8Array {
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(data);
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  envelope.setSignature(signLowS(creator.key, envelope.getPayload_asU8()));
  alter?.(envelope);
  return envelope.serializeBinary();
}

export function channelHeaderBytes(fields: {
  txId: string;
  channel: string;
  extension: Uint8Array;
  timestampMs: number;
  type?: 0 | 1 | 2 | 3;
}): Uint8Array {
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(fields.type ?? common.HeaderType.ENDORSER_TRANSACTION);
  channelHeader.setChannelId(fields.channel);
  channelHeader.setTxId(fields.txId);
  channelHeader.setExtension$(fields.extension);
  return Buffer.concat([channelHeader.serializeBinary(), lengthDelimitedField(3, timestampBytes(fields.timestampMs))]);
}

function readWriteSet(spec: TransactionSpec): ledger.rwset.TxReadWriteSet {
  const kv = new kvrwset.KVRWSet();
  kv.setReadsList((spec.reads ?? []).map(([key, version]) => kvRead(key, version)));
  kv.setRangeQueriesInfoList(
    (spec.ranges ?? []).map(({ start, end, exhausted = true, reads }) => {
      const info = new kvrwset.RangeQueryInfo();
      info.setStartKey(start);
      info.setEndKey(end);
      info.setItrExhausted(exhausted);
      const raw = new kvrwset.QueryReads();
      raw.setKvReadsList(reads.map(([key, version]) => kvRead(key, version)));
      if (reads.length > 0) info.setRawReads(raw);
      return info;
    }),
  );
  kv.setWritesList(
    (spec.writes ?? []).map(([key, value]) => {
      const write = new kvrwset.KVWrite();
      write.setKey(key);
      write.setIsDelete(value === undefined);
      if (value !== undefined) write.setValue(Buffer.from(value));
      return write;
    }),
  );
  const namespaceSet = new ledger.rwset.NsReadWriteSet();
  namespaceSet.setNamespace(spec.namespace ?? CHAINCODE);
  namespaceSet.setRwset(kv.serializeBinary());
  const results = new ledger.rwset.TxReadWriteSet();
  results.addNsRwset(namespaceSet);
  return results;
}

function kvRead(key: string, version: Version | undefined): ledger.rwset.kvrwset.KVRead {
  const read = new kvrwset.KVRead();
  read.setKey(key);
  if (version !== undefined) {
    const protoVersion = new kvrwset.Version();
    protoVersion.setBlockNum(version.blockNumber);
    protoVersion.setTxNum(version.txNumber);
    read.setVersion(protoVersion);
  }
  return read;
}

/** One peer's ledger in a folder of its own. */
export interface TestPeer {
  readonly ledger: PeerLedger;
  readonly directory: string;
  /** One block of these transactions; their validation codes. */
  commit(...specs: TransactionSpec[]): Promise<number[]>;
  stateOf(key: string): Promise<string | undefined>;
  close(): Promise<void>;
}

export async function openTestPeer(network: TestNetwork, directory: string, mspId?: string): Promise<TestPeer> {
  const ledgerOfPeer = await openPeerLedger(peerOptions(network, directory, mspId));
  return {
    ledger: ledgerOfPeer,
    directory,
    commit: (...specs) =>
      commitAll(
        ledgerOfPeer,
        specs.map((spec) => transaction(network, spec).envelope),
      ),
    stateOf: async (key) => {
      const snapshot = ledgerOfPeer.snapshot();
      const found = await snapshot.get(CHAINCODE, key);
      await snapshot.close();
      return found === undefined ? undefined : Buffer.from(found.value).toString();
    },
    close: () => ledgerOfPeer.close(),
  };
}
