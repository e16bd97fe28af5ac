import { common, gateway, peer } from '@hyperledger/fabric-protos';
import type { Proposal, Transaction } from '@hyperledger/fabric-gateway';
import { lengthDelimitedField, timestampBytes } from '../../network/devledger/endorse/wire-format.js';
import { signLowS } from '../../network/devledger/low-s.js';
import type { Member } from '../network/ledger-front/front-client.js';
import type { MemberClient, StubCall } from './member-client.js';
import { type HeaderParts, headerParts, partsOfPrepared, type TransactionParts } from './transaction-parts.js';

/** Field of common.ChannelHeader. */
const CHANNEL_HEADER_TIMESTAMP = 3;

export type Sign = (message: Uint8Array) => Uint8Array;

export function signerOf(member: Member): Sign {
  return (message) => signLowS(member.privateKey, message);
}

export interface ProposalChange {
  readonly timestampMs?: number;
  readonly header?: (parts: HeaderParts) => void;
  readonly sign?: Sign;
}

/** A proposal that the client library would not make: altered before it is signed, or signed by somebody else. */
export function alteredProposal(client: MemberClient, calls: readonly StubCall[], change: ProposalChange): Proposal {
  const honest = client.contract.newProposal('run', { arguments: [JSON.stringify(calls)] });
  const proposed = gateway.ProposedTransaction.deserializeBinary(honest.getBytes());
  const signed = proposed.getProposal() ?? new peer.SignedProposal();
  const proposal = peer.Proposal.deserializeBinary(signed.getProposalBytes_asU8());
  proposal.setHeader(
    alteredHeader(common.Header.deserializeBinary(proposal.getHeader_asU8()), change).serializeBinary(),
  );
  signed.setProposalBytes(proposal.serializeBinary());
  proposed.setProposal(signed);
  const sign = change.sign ?? signerOf(client.member);
  return client.gateway.newSignedProposal(proposed.serializeBinary(), sign(signed.getProposalBytes_asU8()));
}

export interface TransactionChange {
  readonly header?: (parts: HeaderParts) => void;
  /** Over the parts of the endorsed action; serialised again afterwards, from the inside out. */
  readonly action?: (parts: TransactionParts) => void;
  /** Replaces the endorsements. */
  readonly endorsements?: (honest: readonly peer.Endorsement[]) => readonly peer.Endorsement[];
  readonly sign?: Sign;
}

/** A transaction that the client library would not make: altered after endorsement and signed anew. */
export function alteredTransaction(client: MemberClient, honest: Transaction, change: TransactionChange): Transaction {
  const prepared = gateway.PreparedTransaction.deserializeBinary(honest.getBytes());
  const parts = partsOfPrepared(honest.getBytes());
  const payload = new common.Payload();
  payload.setHeader(alteredHeader(parts.header, change));
  payload.setData(alteredData(parts, change));
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  prepared.setEnvelope(envelope);
  const sign = change.sign ?? signerOf(client.member);
  return client.gateway.newSignedTransaction(prepared.serializeBinary(), sign(envelope.getPayload_asU8()));
}

/** Endorses a proposal with the time of the given moment in its header. */
export function endorseAt(client: MemberClient, calls: readonly StubCall[], timestampMs: number): Promise<Transaction> {
  return alteredProposal(client, calls, { timestampMs }).endorse();
}

function alteredHeader(
  header: common.Header,
  { timestampMs, header: alter }: { timestampMs?: number; header?: (parts: HeaderParts) => void },
): common.Header {
  const parts = headerParts(header);
  alter?.(parts);
  const channelHeader = parts.channelHeader.serializeBinary();
  header.setSignatureHeader(parts.signatureHeader.serializeBinary());
  // Of two timestamps the later one counts: protobuf merges, and both have both fields.
  header.setChannelHeader(
    timestampMs === undefined
      ? channelHeader
      : Buffer.concat([channelHeader, lengthDelimitedField(CHANNEL_HEADER_TIMESTAMP, timestampBytes(timestampMs))]),
  );
  return header;
}

function alteredData(parts: TransactionParts, change: TransactionChange): Uint8Array {
  const { transaction, action, response, chaincodeAction } = parts;
  const endorsed = action.getAction() ?? new peer.ChaincodeEndorsedAction();
  if (change.action !== undefined) {
    change.action(parts);
    response.setExtension$(chaincodeAction.serializeBinary());
    endorsed.setProposalResponsePayload(response.serializeBinary());
  }
  if (change.endorsements !== undefined) {
    endorsed.setEndorsementsList([...change.endorsements(endorsed.getEndorsementsList())]);
  }
  action.setAction(endorsed);
  transaction.getActionsList()[0]?.setPayload(action.serializeBinary());
  return transaction.serializeBinary();
}
