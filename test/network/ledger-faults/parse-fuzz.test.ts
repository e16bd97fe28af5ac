import { common, peer } from '@hyperledger/fabric-protos';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { parseEndorsedTransaction } from '../../../network/devledger/commit/endorsed-transaction.js';
import { parseEnvelope } from '../../../network/devledger/commit/envelope.js';
import { parseProposal } from '../../../network/devledger/endorse/proposal.js';
import { signLowS } from '../../../network/devledger/low-s.js';
import { commitAll, createNetwork, type TestNetwork, temporaryFolder } from '../ledger-support.js';
import { openTestPeer, transaction } from '../ledger-transactions.js';
import { IS_FULL, seededRandom } from './fault-runs.js';
import { LongestTurn, TURN_MAX_MS } from './longest-turn.js';
import { mutated } from './mutations.js';

/** Of each of both kinds: proposals and transactions. */
const PARSED = IS_FULL ? 100_000 : 5_000;
const COMMITTED = IS_FULL ? 10_000 : 500;
const PER_BLOCK = 50;
const PER_TURN = 50;

let network: TestNetwork;
let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let envelopes: Uint8Array[];

beforeAll(async () => {
  network = await createNetwork();
  folder = await temporaryFolder();
  envelopes = [
    transaction(network, { writes: [['a', 'x']] }).envelope,
    transaction(network, { reads: [['a']], writes: [['b', undefined]] }).envelope,
    transaction(network, { ranges: [{ start: 'a', end: 'z', reads: [['a', { blockNumber: 1, txNumber: 0 }]] }] })
      .envelope,
  ];
});
afterAll(async () => {
  await folder.remove();
});

/** Fabric's own message of a proposal, from the parts of a transaction. */
function proposals(): Uint8Array[] {
  return envelopes.map((bytes) => {
    const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(bytes).getPayload_asU8());
    const input = new peer.ChaincodeInput();
    input.setArgsList([Buffer.from('put'), Buffer.from('a')]);
    const spec = new peer.ChaincodeSpec();
    spec.setInput(input);
    const id = new peer.ChaincodeID();
    id.setName('medledger');
    spec.setChaincodeId(id);
    const invocation = new peer.ChaincodeInvocationSpec();
    invocation.setChaincodeSpec(spec);
    const proposalPayload = new peer.ChaincodeProposalPayload();
    proposalPayload.setInput(invocation.serializeBinary());
    const proposal = new peer.Proposal();
    proposal.setHeader(payload.getHeader()?.serializeBinary() ?? '');
    proposal.setPayload(proposalPayload.serializeBinary());
    return proposal.serializeBinary();
  });
}

/** A member signs what it likes, or the bytes around it are not right either. */
function oddEnvelope(random: () => number): Uint8Array {
  if (random() < 0.3) return mutated(envelopes, random);
  const payloads = envelopes.map((bytes) => common.Envelope.deserializeBinary(bytes).getPayload_asU8());
  let payload: Uint8Array = payloads[Math.floor(random() * payloads.length)] ?? new Uint8Array();
  if (random() < 0.5) {
    const inner = common.Payload.deserializeBinary(payload);
    inner.setData(mutated([inner.getData_asU8()], random));
    payload = inner.serializeBinary();
  } else payload = mutated(payloads, random);
  const envelope = new common.Envelope();
  envelope.setPayload(payload);
  envelope.setSignature(signLowS(network.client.key, payload));
  return envelope.serializeBinary();
}

async function inTurns(count: number, work: () => void): Promise<void> {
  const turn = new LongestTurn();
  for (let done = 0; done < count; done += PER_TURN) {
    for (let each = 0; each < PER_TURN; each += 1) work();
    await new Promise((resolve) => setImmediate(resolve));
  }
  tell(turn);
}

function tell(turn: LongestTurn): void {
  const { cpuMs, clockMs } = turn.stop();
  if (IS_FULL)
    process.stdout.write(`longest turn: ${cpuMs.toFixed(0)} ms of CPU, ${clockMs.toFixed(0)} ms by the clock\n`);
  expect(cpuMs).toBeLessThan(TURN_MAX_MS);
}

it('a proposal is read, or refused with an error, whatever its bytes', async () => {
  const random = seededRandom(21);
  const seeds = proposals();
  let read = 0;
  let refused = 0;
  await inTurns(PARSED, () => {
    const signed = new peer.SignedProposal();
    signed.setProposalBytes(mutated(seeds, random));
    try {
      parseProposal(signed);
      read += 1;
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      refused += 1;
    }
  });
  expect(read).toBeGreaterThan(PARSED / 50);
  expect(refused).toBeGreaterThan(PARSED / 50);
}, 600_000);

it('a transaction is read, or rejected with a code, and never throws: a block that has one must be committed', async () => {
  const random = seededRandom(22);
  const odd = seededRandom(23);
  let rejected = 0;
  await inTurns(PARSED, () => {
    const envelope = parseEnvelope(random() < 0.05 ? oddEnvelope(odd) : mutated(envelopes, odd));
    if ('rejected' in envelope || 'rejected' in parseEndorsedTransaction(envelope)) rejected += 1;
  });
  expect(rejected).toBeGreaterThan(PARSED / 50);
  expect(rejected).toBeLessThan(PARSED);
}, 600_000);

it('blocks of odd transactions are committed, alike by two peers', async () => {
  const random = seededRandom(24);
  const peers = await Promise.all(
    ['HospitalAMSP', 'GovernmentMSP'].map((mspId) => openTestPeer(network, `${folder.path}/${mspId}`, mspId)),
  );
  const turn = new LongestTurn();
  for (let done = 0; done < COMMITTED; done += PER_BLOCK) {
    const odd = Array.from({ length: PER_BLOCK }, () => oddEnvelope(random));
    const [first, second] = await Promise.all(peers.map(({ ledger }) => commitAll(ledger, odd)));
    expect(first).toHaveLength(PER_BLOCK);
    expect(second).toEqual(first);
  }
  tell(turn);
  await Promise.all(peers.map((each) => each.close()));
}, 600_000);
