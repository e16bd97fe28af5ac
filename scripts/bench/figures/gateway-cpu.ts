import { join } from 'node:path';
import { gateway as gatewayProtos, msp, peer } from '@hyperledger/fabric-protos';
import { canonicalJson, formatLaneProof } from '@medledger/chaincode/domain';
import { openFabricLedger } from '../../../gateway/ledger/fabric-ledger.js';
import type { Ledger, LedgerIdentity } from '../../../gateway/ledger/ledger.js';
import { type BareCall, type BareCalls, openBareCalls } from '../baseline/bare-calls.js';
import { bareProposals } from '../baseline/bare-proposal.js';
import { requireThat } from '../bench-failure.js';
import type { BenchPatient } from '../bench-members.js';
import type { BenchPlace } from '../bench-place.js';
import { withPeer } from '../bench-ports.js';
import { type BenchProcesses, stubGatewayPlan } from '../bench-processes.js';
import { type Figure, figureOf, interleave, keepInFlight } from '../figure.js';
import { peerEndpoint } from '../peer-endpoint.js';
import { ownCpuMs } from '../process-cpu.js';
import { oneRecord } from '../sample-records.js';

const TARGET = 3.2;
const IN_FLIGHT = 32;
const PER_ROUND = 1_500;
const NONCE = '00000000000000ff';

/**
 * CPU of this process for one submit of the ledger client, its outbox on disk and its three signatures included, over
 * that of three bare calls with requests and answers of the same bytes. Both call the same stub in another process.
 */
export async function measureGatewayCpu(
  place: BenchPlace,
  processes: BenchProcesses,
  options: { readonly patient: BenchPatient; readonly rounds: number },
): Promise<Figure> {
  const [organisation] = withPeer(place.topology);
  if (organisation === undefined) throw new Error('invariant failed: a topology has peers');
  const endpoint = peerEndpoint(place, organisation);
  const { certificateFile, keyFile } = endpoint;
  await processes.start(stubGatewayPlan(place, { port: organisation.peer.port, certificateFile, keyFile }));
  const { channel, chaincode } = place.topology;
  const ledger = openFabricLedger({
    endpoint,
    peerMspId: organisation.mspId,
    channel,
    chaincode: chaincode.name,
    policy: { mspIds: withPeer(place.topology).map(({ mspId }) => mspId), needed: 2 },
    outboxFile: join(place.dataDir, 'stub-outbox.sqlite'),
  });
  const bare = openBareCalls(endpoint);
  const args = await argumentsOf(options.patient);
  const calls = await callsOf(bare, { channel, chaincode: chaincode.name, identity: options.patient.identity, args });
  const submits = () => submitMany(ledger, options.patient.identity, args);
  const baseline = () => callMany(bare, calls);
  await submits();
  await baseline();
  const rounds = await interleave(options.rounds, { measured: submits, baseline });
  await ledger.close();
  bare.close();
  await processes.stopAll();
  return figureOf({
    title: 'gateway CPU, submit / three bare grpc-js calls',
    unit: 'µs of CPU',
    target: { comparison: 'at most', value: TARGET },
    names: { measured: 'submit', baseline: 'three bare calls' },
    rounds,
    notes: [
      `TLS, ${IN_FLIGHT} in flight, ${PER_ROUND} a round; requests of ${calls.map(({ request }) => request.length).join(', ')} bytes`,
    ],
  });
}

async function submitMany(ledger: Ledger, identity: LedgerIdentity, args: readonly string[]): Promise<number> {
  const transactionIds = new Set<string>();
  const cpuUs = await cpuPerPiece(async () => {
    const { transactionId } = await ledger.submit(identity, 'records:add', args);
    transactionIds.add(transactionId);
  });
  requireThat(transactionIds.size === PER_ROUND, 'a submit was not a transaction of its own');
  return cpuUs;
}

async function callMany(bare: BareCalls, calls: readonly BareCall[]): Promise<number> {
  let answered = 0;
  const cpuUs = await cpuPerPiece(async () => {
    const answers = await bare.make(calls);
    answered += answers.length;
  });
  requireThat(answered === PER_ROUND * calls.length, 'a bare call was not answered');
  return cpuUs;
}

async function cpuPerPiece(work: () => Promise<void>): Promise<number> {
  const beforeMs = ownCpuMs();
  await keepInFlight({ count: PER_ROUND, inFlight: IN_FLIGHT }, work);
  return ((ownCpuMs() - beforeMs) * 1000) / PER_ROUND;
}

/** A proof of the right size: nobody checks it here. */
async function argumentsOf(patient: BenchPatient): Promise<readonly string[]> {
  return [canonicalJson(await oneRecord(patient)), formatLaneProof({ ...patient.firstTip, nonce: NONCE })];
}

/** The three requests of one transaction, byte for byte as fabric-gateway sends them but for the signatures. */
async function callsOf(
  bare: BareCalls,
  call: { channel: string; chaincode: string; identity: LedgerIdentity; args: readonly string[] },
): Promise<readonly BareCall[]> {
  const { channel, chaincode, identity, args } = call;
  const { transactionId, bytes } = bareProposals({ ...identity, channel, chaincode })('records:add', args);
  const signature = await identity.sign(bytes);
  const endorse = callTo('Endorse', endorseRequest(channel, transactionId, bytes, signature));
  const [endorsed = Buffer.alloc(0)] = await bare.make([endorse]);
  const submit = callTo('Submit', submitRequest(channel, transactionId, endorsed, signature));
  const status = callTo('CommitStatus', statusRequest(channel, transactionId, identity, signature));
  const [, answer = Buffer.alloc(0)] = await bare.make([submit, status]);
  const { VALID } = peer.TxValidationCode;
  requireThat(gatewayProtos.CommitStatusResponse.deserializeBinary(answer).getResult() === VALID, 'the stub is not up');
  return [endorse, submit, status];
}

function callTo(method: string, request: Uint8Array): BareCall {
  return { path: `/gateway.Gateway/${method}`, request: Buffer.from(request) };
}

function endorseRequest(channel: string, transactionId: string, proposal: Uint8Array, signature: Uint8Array) {
  const proposed = gatewayProtos.ProposedTransaction.deserializeBinary(proposal).getProposal();
  proposed?.setSignature(signature);
  const request = new gatewayProtos.EndorseRequest();
  request.setTransactionId(transactionId);
  request.setChannelId(channel);
  request.setProposedTransaction(proposed);
  return request.serializeBinary();
}

function submitRequest(channel: string, transactionId: string, endorsed: Uint8Array, signature: Uint8Array) {
  const envelope = gatewayProtos.EndorseResponse.deserializeBinary(endorsed).getPreparedTransaction();
  envelope?.setSignature(signature);
  const request = new gatewayProtos.SubmitRequest();
  request.setTransactionId(transactionId);
  request.setChannelId(channel);
  request.setPreparedTransaction(envelope);
  return request.serializeBinary();
}

function statusRequest(channel: string, transactionId: string, identity: LedgerIdentity, signature: Uint8Array) {
  const creator = new msp.SerializedIdentity();
  creator.setMspid(identity.mspId);
  creator.setIdBytes(Buffer.from(identity.certificatePem));
  const inner = new gatewayProtos.CommitStatusRequest();
  inner.setTransactionId(transactionId);
  inner.setChannelId(channel);
  inner.setIdentity(creator.serializeBinary());
  const request = new gatewayProtos.SignedCommitStatusRequest();
  request.setRequest(inner.serializeBinary());
  request.setSignature(signature);
  return request.serializeBinary();
}
