import { common, ledger, msp, peer } from '@hyperledger/fabric-protos';
import type { CertificateReader } from './certificate-reader.js';
import type { LedgerTransaction, StateWrite, TransactionCreator } from './ledger-block.js';

const { kvrwset, TxReadWriteSet } = ledger.rwset;

type Place = Pick<LedgerTransaction, 'index' | 'validationCode'>;
type Call = Required<Pick<LedgerTransaction, 'chaincode'>> &
  Pick<LedgerTransaction, 'transaction' | 'args' | 'endorserMspIds' | 'response' | 'writes'>;

const NO_CALL: Omit<Call, 'chaincode'> = { args: [], endorserMspIds: [], response: '', writes: [] };

/**
 * Reads one envelope of a block. Blocks also hold what never was a transaction: bytes that an orderer took and every
 * peer found invalid. Those come out as `unreadable`, so that one of them cannot stop a reader of blocks.
 *
 * @param source - common.Envelope, or its bytes
 */
export function readTransaction(
  source: Uint8Array | common.Envelope,
  place: Place,
  certificates: CertificateReader,
): LedgerTransaction {
  let envelope = new common.Envelope();
  try {
    envelope = source instanceof Uint8Array ? common.Envelope.deserializeBinary(source) : source;
    return { ...place, ...readPayload(envelope.getPayload_asU8(), certificates), ...signed(envelope) };
  } catch {
    const nobody = { mspId: '', certificatePem: '' };
    const { args, endorserMspIds, response, writes } = NO_CALL;
    const nothing = { txId: '', timestampMs: 0, channel: '', creator: nobody, args, endorserMspIds, response, writes };
    return { ...place, ...nothing, kind: 'unreadable', ...signed(envelope) };
  }
}

function signed(envelope: common.Envelope): Pick<LedgerTransaction, 'payload' | 'signature'> {
  return { payload: envelope.getPayload_asU8(), signature: envelope.getSignature_asU8() };
}

function readPayload(
  bytes: Uint8Array,
  certificates: CertificateReader,
): Omit<LedgerTransaction, keyof Place | 'payload' | 'signature'> {
  const payload = common.Payload.deserializeBinary(bytes);
  const { channelHeader, signatureHeader } = readHeaders(payload);
  const time = channelHeader.getTimestamp();
  const shared = {
    txId: channelHeader.getTxId(),
    timestampMs: time === undefined ? 0 : time.getSeconds() * 1000 + Math.floor(time.getNanos() / 1e6),
    channel: channelHeader.getChannelId(),
    creator: readCreator(signatureHeader.getCreator_asU8(), certificates),
  };
  if (channelHeader.getType() !== common.HeaderType.ENDORSER_TRANSACTION)
    return { ...shared, kind: 'config', ...NO_CALL };
  return { ...shared, kind: 'endorser', ...readCall(payload.getData_asU8()) };
}

/** @throws Error when there is no header */
export function readHeaders(payload: common.Payload) {
  const header = payload.getHeader();
  if (header === undefined) throw new Error('a payload without a header');
  return {
    channelHeader: common.ChannelHeader.deserializeBinary(header.getChannelHeader_asU8()),
    signatureHeader: common.SignatureHeader.deserializeBinary(header.getSignatureHeader_asU8()),
  };
}

function readCreator(bytes: Uint8Array, certificates: CertificateReader): TransactionCreator {
  const identity = msp.SerializedIdentity.deserializeBinary(bytes);
  const certificatePem = text(identity.getIdBytes_asU8());
  const certificate = certificates(certificatePem);
  return {
    mspId: identity.getMspid(),
    certificatePem,
    ...(certificate === undefined ? {} : { keyHash: certificate.keyHash }),
    ...(certificate?.memberId === undefined ? {} : { memberId: certificate.memberId }),
  };
}

function readCall(bytes: Uint8Array): Call {
  const [action] = peer.Transaction.deserializeBinary(bytes).getActionsList();
  if (action === undefined) throw new Error('a transaction without an action');
  const payload = peer.ChaincodeActionPayload.deserializeBinary(action.getPayload_asU8());
  const input = readInput(payload.getChaincodeProposalPayload_asU8());
  const endorsed = payload.getAction();
  if (endorsed === undefined) throw new Error('a transaction without endorsements');
  return {
    ...input,
    endorserMspIds: endorsed.getEndorsementsList().map((endorsement) => mspIdOf(endorsement.getEndorser_asU8())),
    ...readResponse(endorsed.getProposalResponsePayload_asU8()),
  };
}

function readInput(bytes: Uint8Array): Pick<Call, 'transaction' | 'args'> {
  const proposal = peer.ChaincodeProposalPayload.deserializeBinary(bytes);
  const spec = peer.ChaincodeInvocationSpec.deserializeBinary(proposal.getInput_asU8()).getChaincodeSpec();
  const [transaction, ...args] = (spec?.getInput()?.getArgsList_asU8() ?? []).map(text);
  return { args, ...(transaction === undefined ? {} : { transaction }) };
}

/**
 * The chaincode is the one that endorsers say they ran. The name in the arguments is the client's word: Fabric runs the
 * one in the header and compares neither with it.
 */
function readResponse(bytes: Uint8Array): Pick<Call, 'chaincode' | 'response' | 'writes'> {
  const payload = peer.ProposalResponsePayload.deserializeBinary(bytes);
  const action = peer.ChaincodeAction.deserializeBinary(payload.getExtension_asU8());
  const chaincode = action.getChaincodeId()?.getName() ?? '';
  return {
    chaincode,
    response: text(action.getResponse()?.getPayload_asU8() ?? new Uint8Array()),
    writes: readWrites(action.getResults_asU8(), chaincode),
  };
}

function readWrites(bytes: Uint8Array, chaincode: string): readonly StateWrite[] {
  const sets = TxReadWriteSet.deserializeBinary(bytes).getNsRwsetList();
  return sets
    .filter((set) => set.getNamespace() === chaincode)
    .flatMap((set) => kvrwset.KVRWSet.deserializeBinary(set.getRwset_asU8()).getWritesList())
    .map((write) => ({
      key: write.getKey(),
      isDelete: write.getIsDelete(),
      value: text(write.getValue_asU8()),
    }));
}

function mspIdOf(identity: Uint8Array): string {
  return msp.SerializedIdentity.deserializeBinary(identity).getMspid();
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
