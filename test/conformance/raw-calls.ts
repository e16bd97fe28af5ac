import type { Client, ServiceError } from '@grpc/grpc-js';
import { common, gateway, orderer, peer } from '@hyperledger/fabric-protos';
import { lengthDelimitedField, timestampBytes } from '../../network/devledger/endorse/wire-format.js';
import { serialiseIdentity } from '../../network/devledger/services/peer-nodes.js';
import type { Member } from '../network/ledger-front/front-client.js';
import type { MemberClient } from './member-client.js';
import { detailsIn } from './orderer-answers.js';
import { signerOf } from './signed-messages.js';

/** gRPC status and text of a call made without the client library. */
export interface RawFailure {
  readonly code: number;
  readonly message: string;
  readonly details: readonly { readonly message: string }[];
}

/** Calls gateway.Gateway/Submit with any request; resolves with what it failed with, undefined when it did not. */
export function rawSubmit(client: Client, request: gateway.SubmitRequest): Promise<RawFailure | undefined> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/gateway.Gateway/Submit',
      (message: gateway.SubmitRequest) => Buffer.from(message.serializeBinary()),
      gateway.SubmitResponse.deserializeBinary,
      request,
      (error: ServiceError | null) => resolve(error === null ? undefined : rawFailure(error)),
    );
  });
}

const same = (bytes: Buffer) => bytes;

/** Sends any bytes to a method that answers once. */
export function rawUnary(client: Client, path: string, bytes: Buffer): Promise<RawFailure | undefined> {
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, same, same, bytes, (error: ServiceError | null) =>
      resolve(error === null ? undefined : rawFailure(error)),
    );
  });
}

/** Sends any bytes as the first message of a stream, which is to end with a failure. */
export function rawConversation(client: Client, path: string, bytes: Buffer): Promise<RawFailure> {
  return new Promise((resolve) => {
    const call = client.makeBidiStreamRequest(path, same, same);
    call.on('data', () => undefined);
    call.on('error', (error: ServiceError) => resolve(rawFailure(error)));
    call.write(bytes);
    call.end();
  });
}

function rawFailure({ code, details, metadata }: ServiceError): RawFailure {
  const [statusDetails] = metadata.get('grpc-status-details-bin');
  return { code, message: details, details: detailsIn(Buffer.isBuffer(statusDetails) ? statusDetails : undefined) };
}

/** A request for the status of a transaction, whether or not there is one. */
export function commitRequest(
  { member: { identity } }: Pick<MemberClient, 'member'>,
  channel: string,
  transactionId: string,
): Uint8Array {
  const request = new gateway.CommitStatusRequest();
  request.setChannelId(channel);
  request.setTransactionId(transactionId);
  request.setIdentity(serialiseIdentity(identity.mspId, Buffer.from(identity.credentials).toString('utf8')));
  const signed = new gateway.SignedCommitStatusRequest();
  signed.setRequest(request.serializeBinary());
  return signed.serializeBinary();
}

/** Hands any bytes to the orderer as the signed payload of an envelope. */
export function submitPayload(
  client: MemberClient,
  channel: string,
  payload: Uint8Array,
): Promise<RawFailure | undefined> {
  const envelope = new common.Envelope();
  envelope.setPayload(payload);
  envelope.setSignature(signerOf(client.member)(payload));
  const request = new gateway.SubmitRequest();
  request.setChannelId(channel);
  request.setTransactionId('0'.repeat(64));
  request.setPreparedTransaction(envelope);
  return rawSubmit(client.client, request);
}

/** A place in the chain: a block number, or one of Fabric's names. */
export type Position = number | 'oldest' | 'newest' | 'next';

export interface Seek {
  readonly start?: Position;
  readonly stop?: Position;
  readonly channel: string;
  readonly failIfNotReady?: boolean;
  readonly timestampMs?: number;
  /** How long nothing may come after a block before it is given up: short only where no end comes. */
  readonly quietMs?: number;
}

export type DeliverMethod = 'Deliver' | 'DeliverFiltered' | 'DeliverWithPrivateData';

/** What one seek brought: the numbers of the blocks, and the status at its end; undefined when none came in time. */
export interface Delivered {
  readonly blocks: readonly number[];
  readonly responses: readonly peer.DeliverResponse[];
  readonly status: number | undefined;
}

/** A busy machine may take long for a block or an end that is sure to come. */
const PATIENCE_MS = 120_000;

/** Asks for blocks without the client library, which knows fewer positions than Fabric does. */
export function seek(client: MemberClient, method: DeliverMethod, request: Seek): Promise<Delivered> {
  return seekAt(client.client, `/protos.Deliver/${method}`, seekEnvelope(client.member, request), request.quietMs);
}

/** The same of any node; what orderers answer reads as what peers do. */
export function seekAt(
  node: Client,
  path: string,
  envelope: common.Envelope,
  quietMs: number = PATIENCE_MS,
): Promise<Delivered> {
  return new Promise((resolve, reject) => {
    const call = node.makeBidiStreamRequest(
      path,
      (message: common.Envelope) => Buffer.from(message.serializeBinary()),
      peer.DeliverResponse.deserializeBinary,
    );
    const responses: peer.DeliverResponse[] = [];
    let status: number | undefined;
    const done = () => {
      clearTimeout(timer);
      call.cancel();
      resolve({ blocks: responses.map(blockNumberOf), responses, status });
    };
    let timer = setTimeout(done, PATIENCE_MS);
    call.on('data', (response: peer.DeliverResponse) => {
      clearTimeout(timer);
      timer = setTimeout(done, quietMs);
      if (response.getTypeCase() !== peer.DeliverResponse.TypeCase.STATUS) {
        responses.push(response);
        return;
      }
      status = response.getStatus();
      done();
    });
    call.on('error', (error: ServiceError) => {
      clearTimeout(timer);
      reject(error);
    });
    call.write(envelope);
  });
}

function blockNumberOf(response: peer.DeliverResponse): number {
  const block = response.getBlock() ?? response.getBlockAndPrivateData()?.getBlock();
  return block?.getHeader()?.getNumber() ?? response.getFilteredBlock()?.getNumber() ?? -1;
}

export function seekEnvelope(member: Member, request: Seek): common.Envelope {
  const { identity } = member;
  const signatureHeader = new common.SignatureHeader();
  signatureHeader.setCreator(serialiseIdentity(identity.mspId, Buffer.from(identity.credentials).toString('utf8')));
  signatureHeader.setNonce(Buffer.alloc(24, 1));
  const channelHeader = new common.ChannelHeader();
  channelHeader.setType(common.HeaderType.DELIVER_SEEK_INFO);
  channelHeader.setChannelId(request.channel);
  const header = new common.Header();
  header.setSignatureHeader(signatureHeader.serializeBinary());
  const time = lengthDelimitedField(3, timestampBytes(request.timestampMs ?? Date.now()));
  header.setChannelHeader(Buffer.concat([channelHeader.serializeBinary(), time]));
  const payload = new common.Payload();
  payload.setHeader(header);
  payload.setData(seekInfo(request).serializeBinary());
  const envelope = new common.Envelope();
  envelope.setPayload(payload.serializeBinary());
  envelope.setSignature(signerOf(member)(envelope.getPayload_asU8()));
  return envelope;
}

function seekInfo({ start, stop, failIfNotReady }: Seek): orderer.SeekInfo {
  const info = new orderer.SeekInfo();
  if (start !== undefined) info.setStart(seekPosition(start));
  if (stop !== undefined) info.setStop(seekPosition(stop));
  if (failIfNotReady === true) info.setBehavior(orderer.SeekInfo.SeekBehavior.FAIL_IF_NOT_READY);
  return info;
}

function seekPosition(position: Position): orderer.SeekPosition {
  const message = new orderer.SeekPosition();
  if (position === 'oldest') message.setOldest(new orderer.SeekOldest());
  else if (position === 'newest') message.setNewest(new orderer.SeekNewest());
  else if (position === 'next') message.setNextCommit(new orderer.SeekNextCommit());
  else {
    const specified = new orderer.SeekSpecified();
    specified.setNumber(position);
    message.setSpecified(specified);
  }
  return message;
}
