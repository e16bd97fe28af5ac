import { peer } from '@hyperledger/fabric-protos';
import { describe, expect, it } from '@jest/globals';
import { type ChaincodeDefinition, plainDefinition } from '../../../network/devledger/commit/chaincode-definition.js';
import { ChannelRules } from '../../../network/devledger/commit/channel-rules.js';
import type { Proposal } from '../../../network/devledger/endorse/proposal.js';
import type { PeerLedger } from '../../../network/devledger/peer-ledger.js';
import { lifecycleQueries } from '../../../network/devledger/system-chaincodes/lifecycle.js';

const { lifecycle } = peer;
const policy = { endorsers: ['Org1MSP', 'Org2MSP'], needed: 2 };
const mspIds = [...policy.endorsers, 'ClientMSP'];

/** Deployed twice: the second definition is in force, under a package of its own. */
const first: ChaincodeDefinition = {
  ...plainDefinition({ name: 'basic', version: '1.0' }, policy),
  packageId: 'basic_1:aa',
};
const second: ChaincodeDefinition = {
  ...first,
  version: '2.0',
  sequence: 2,
  initRequired: true,
  packageId: 'basic_2:bb',
};

function ask(
  name: string,
  argument: { serializeBinary(): Uint8Array },
  ou: 'admin' | 'client' = 'admin',
): Promise<peer.Response> {
  const queries = lifecycleQueries({
    rules: new ChannelRules({ channel: 'mychannel', policy, chaincodes: [], definitions: [second], mspIds }),
    mspId: 'Org1MSP',
    members: mspIds,
    approvers: policy.endorsers,
    approved: () => [first, second],
    installed: () => [{ name: 'basic', version: '2.0', packageId: 'basic_2:cc' }],
    creatorOf: () => ({ mspId: 'Org1MSP', ou }),
  });
  const proposal = { args: [Buffer.from(name), argument.serializeBinary()], creator: new Uint8Array() };
  return queries.invoke({} as PeerLedger, proposal as unknown as Proposal);
}

describe('what an organisation approved', () => {
  it.each([
    { asked: 0, sequence: 2, version: '2.0', packageId: 'basic_2:cc', initRequired: true },
    { asked: 2, sequence: 2, version: '2.0', packageId: 'basic_2:cc', initRequired: true },
    { asked: 1, sequence: 1, version: '1.0', packageId: 'basic_1:aa', initRequired: false },
  ])('asked for sequence $asked: version $version of package $packageId', async ({ asked, ...expected }) => {
    const args = new lifecycle.QueryApprovedChaincodeDefinitionArgs();
    args.setName('basic');
    args.setSequence(asked);
    const response = await ask('QueryApprovedChaincodeDefinition', args);
    const found = lifecycle.QueryApprovedChaincodeDefinitionResult.deserializeBinary(response.getPayload_asU8());
    expect({
      sequence: found.getSequence(),
      version: found.getVersion(),
      packageId: found.getSource()?.getLocalPackage()?.getPackageId(),
      initRequired: found.getInitRequired(),
    }).toEqual(expected);
  });

  it('asked for a sequence that there never was: says so in the words of Fabric', async () => {
    const args = new lifecycle.QueryApprovedChaincodeDefinitionArgs();
    args.setName('basic');
    args.setSequence(3);
    expect((await ask('QueryApprovedChaincodeDefinition', args)).getMessage()).toBe(
      "failed to invoke backing implementation of 'QueryApprovedChaincodeDefinition': could not fetch approved chaincode definition (name: 'basic', sequence: '3') on channel 'mychannel'",
    );
  });

  it('asked for all: every sequence', async () => {
    const response = await ask(
      'QueryApprovedChaincodeDefinitions',
      new lifecycle.QueryApprovedChaincodeDefinitionsArgs(),
    );
    const found = lifecycle.QueryApprovedChaincodeDefinitionsResult.deserializeBinary(response.getPayload_asU8());
    expect(found.getApprovedChaincodeDefinitionsList().map((one) => one.getSequence())).toEqual([1, 2]);
  });
});

describe('what is installed on the peer', () => {
  it('is what runs, with the chaincode that it runs for', async () => {
    const response = await ask('QueryInstalledChaincodes', new lifecycle.QueryInstalledChaincodesArgs());
    const found = lifecycle.QueryInstalledChaincodesResult.deserializeBinary(response.getPayload_asU8());
    const [entry] = found.getInstalledChaincodesList();
    const [user] = entry?.getReferencesMap().get('mychannel')?.getChaincodesList() ?? [];
    expect([entry?.getPackageId(), entry?.getLabel(), user?.getName(), user?.getVersion()]).toEqual([
      'basic_2:cc',
      'basic_2',
      'basic',
      '2.0',
    ]);
  });

  it('is found by its package, and no other is', async () => {
    const args = new lifecycle.QueryInstalledChaincodeArgs();
    args.setPackageId('basic_2:cc');
    const response = await ask('QueryInstalledChaincode', args);
    const found = lifecycle.QueryInstalledChaincodeResult.deserializeBinary(response.getPayload_asU8());
    expect([found.getLabel(), [...found.getReferencesMap().keys()]]).toEqual(['basic_2', ['mychannel']]);
    args.setPackageId('basic_2:bb');
    expect((await ask('QueryInstalledChaincode', args)).getMessage()).toMatch(
      /could not find chaincode with package id 'basic_2:bb'$/,
    );
  });

  it('has no package to be given out', async () => {
    const args = new lifecycle.GetInstalledChaincodePackageArgs();
    args.setPackageId('basic_2:cc');
    expect((await ask('GetInstalledChaincodePackage', args)).getMessage()).toMatch(/this ledger keeps no packages/);
  });

  it('is told to no client', async () => {
    const response = await ask('QueryInstalledChaincodes', new lifecycle.QueryInstalledChaincodesArgs(), 'client');
    expect(response.getMessage()).toMatch(/^Failed to authorize invocation due to failed ACL check: /);
  });
});
