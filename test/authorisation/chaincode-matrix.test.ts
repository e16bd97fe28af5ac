import { beforeAll, describe, expect, it } from '@jest/globals';
import { MemoryPeer } from '../chaincode/memory-stub.js';
import { type FunctionName, probe } from './chaincode-probes.js';
import { type CaseWorld, makeWorlds } from './chaincode-world.js';
import { CHAINCODE_MATRIX } from './matrix.js';
import { type Case, CASES, verdictFor } from './rules.js';

/** contract-api's own contract: GetMetadata, by which a running chaincode says what it has. */
const METADATA = 'org.hyperledger.fabric:GetMetadata';
const FUNCTIONS = Object.keys(CHAINCODE_MATRIX) as FunctionName[];

let worlds: ReadonlyMap<Case, CaseWorld>;
beforeAll(async () => {
  worlds = await makeWorlds();
});

function worldOf(asked: Case): CaseWorld {
  const world = worlds.get(asked);
  if (world === undefined) throw new Error(`no world for ${asked}`);
  return world;
}

describe('the authorisation matrix of the chaincode', () => {
  it('names exactly the functions that the running chaincode says it has', async () => {
    const peer = new MemoryPeer('medledger');
    const { actor: creator } = worldOf('admin/other');
    const { payload } = await peer.simulate({ creator, name: METADATA, args: [], timeMs: 0 });
    const { contracts } = JSON.parse(payload) as { contracts: Record<string, { transactions: { name: string }[] }> };
    const running = Object.entries(contracts).flatMap(([contract, { transactions }]) =>
      transactions.map(({ name }) => `${contract}:${name}`),
    );
    expect(running.filter((name) => name !== METADATA).sort()).toEqual([...FUNCTIONS].sort());
  });

  it.each(FUNCTIONS)('%s: permitted and refused as declared, in every case', async (name) => {
    const observed: string[] = [];
    for (const asked of CASES) observed.push(`${asked} ${await probe(worldOf(asked), name)}`);
    const rules = CHAINCODE_MATRIX[name];
    expect(observed).toEqual(CASES.map((asked) => `${asked} ${verdictFor(rules, asked)}`));
  });
});
