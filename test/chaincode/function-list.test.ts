import { describe, expect, it } from '@jest/globals';
import { QUERIES, TRANSACTIONS } from '@medledger/chaincode/domain';
import { MemoryPeer } from './memory-stub.js';

/** contract-api's own: GetMetadata. */
const SYSTEM_CONTRACT = 'org.hyperledger.fabric';

function functionsTagged(tag: string): readonly string[] {
  const { contracts } = new MemoryPeer('medledger').chaincode.metadata;
  return Object.entries(contracts)
    .filter(([contract]) => contract !== SYSTEM_CONTRACT)
    .flatMap(([contract, { transactions }]) =>
      transactions.filter((found) => found.tag?.includes(tag)).map(({ name }) => `${contract}:${name}`),
    )
    .sort();
}

describe('the running chaincode', () => {
  it('submits exactly the declared transactions', () => {
    expect(functionsTagged('SUBMIT')).toEqual(Object.keys(TRANSACTIONS).sort());
  });

  it('evaluates exactly the declared queries', () => {
    expect(functionsTagged('EVALUATE')).toEqual(Object.keys(QUERIES).sort());
  });

  it('has no other function', () => {
    const { contracts } = new MemoryPeer('medledger').chaincode.metadata;
    const untagged = Object.values(contracts).flatMap(({ transactions }) => transactions.filter(({ tag }) => !tag));
    expect(untagged.map(({ name }) => name)).toEqual(['GetMetadata']);
  });
});
