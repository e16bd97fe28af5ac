import { describe, expect, it } from '@jest/globals';
import { common, msp, peer } from '@hyperledger/fabric-protos';
import { failureOf } from '../network/ledger-front/front-client.js';
import { CALLEE, GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER, type LedgerUnderTest } from './ledger-under-test.js';
import { type MemberClient, useMember } from './member-client.js';

const { lifecycle } = peer;
const EMPTY = new Uint8Array();

/** What a peer tells of its channel's configuration and of chaincode definitions. */
export function describeSystemChaincodes(ledger: () => LedgerUnderTest): void {
  describeConfiguration(ledger);
  describeDefinitions(ledger);
  describeAdministration(ledger);
}

function describeConfiguration(ledger: () => LedgerUnderTest): void {
  describe('cscc', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = (name: string, ...args: string[]) => evaluateAt(client(), 'cscc', name, args);

    it('tells the channels of the peer', async () => {
      const channels = peer.ChannelQueryResponse.deserializeBinary(await ask('GetChannels')).getChannelsList();
      expect(channels.map((channel) => channel.getChannelId())).toEqual([ledger().topology.channel]);
    });

    it('gives the configuration, by itself and in its block', async () => {
      const { channel } = ledger().topology;
      const config = common.Config.deserializeBinary(await ask('GetChannelConfig', channel));
      const block = common.Block.deserializeBinary(await ask('GetConfigBlock', channel));
      expect(block.getHeader()?.getNumber()).toBe(0);
      expect(organisationsOf(configIn(block))).toEqual(organisationsOf(config));
    });

    it('the configuration names the members with their certificates, roles and policies', async () => {
      const config = common.Config.deserializeBinary(await ask('GetChannelConfig', ledger().topology.channel));
      expect(organisationsOf(config)).toEqual(
        [GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER].map((mspId) => ({
          mspId,
          hasNodeOus: true,
          rootCertificates: 1,
          tlsRootCertificates: 1,
          policies: ['Admins', ...(mspId === INSURER ? [] : ['Endorsement']), 'Readers', 'Writers'],
        })),
      );
      const application = config.getChannelGroup()?.getGroupsMap().get('Application');
      const endorsement = application?.getPoliciesMap().get('Endorsement')?.getPolicy();
      const policy = common.SignaturePolicyEnvelope.deserializeBinary(endorsement?.getValue_asU8() ?? EMPTY);
      expect(policy.getRule()?.getNOutOf()?.getN()).toBe(ledger().topology.endorsementsNeeded);
    });

    it.each([
      { name: 'GetConfigBlock', args: [], text: 'Incorrect number of arguments, 1' },
      { name: 'Nonsense', args: ['x'], text: 'Requested function Nonsense not found.' },
    ])('refuses $name $args', async ({ name, args, text }) => {
      const failure = await failureOf(ask(name, ...args));
      expect(failure.details[0]?.message).toBe(`chaincode response 500, ${text}`);
    });
  });
}

function describeDefinitions(ledger: () => LedgerUnderTest): void {
  describe('_lifecycle', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = (name: string, ...args: Uint8Array[]) => evaluateAt(client(), '_lifecycle', name, args);
    const named = (name: string) => {
      const args = new lifecycle.QueryChaincodeDefinitionArgs();
      args.setName(name);
      return args.serializeBinary();
    };

    it('tells the definition of a chaincode, with its policy and collections', async () => {
      const bytes = await ask('QueryChaincodeDefinition', named('conformance'));
      const definition = lifecycle.QueryChaincodeDefinitionResult.deserializeBinary(bytes);
      const policy = peer.ApplicationPolicy.deserializeBinary(definition.getValidationParameter_asU8());
      const collections = definition.getCollections()?.getConfigList() ?? [];
      expect({
        sequence: definition.getSequence(),
        version: definition.getVersion(),
        plugins: [definition.getEndorsementPlugin(), definition.getValidationPlugin()],
        needed: policy.getSignaturePolicy()?.getRule()?.getNOutOf()?.getN(),
        collections: collections.map((one) => one.getStaticCollectionConfig()?.getName()),
      }).toEqual({
        sequence: 1,
        version: '1.0',
        plugins: ['escc', 'vscc'],
        needed: 2,
        collections: ['hospitals', 'closed', 'fleeting', 'by-one', 'demanding', 'alone'],
      });
      const members = [GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER];
      const approvals = members.map((mspId) => definition.getApprovalsMap().get(mspId));
      expect(approvals).toEqual([true, true, true, false]);
    });

    it('lists what is defined', async () => {
      const bytes = await ask(
        'QueryChaincodeDefinitions',
        new lifecycle.QueryChaincodeDefinitionsArgs().serializeBinary(),
      );
      const definitions =
        lifecycle.QueryChaincodeDefinitionsResult.deserializeBinary(bytes).getChaincodeDefinitionsList();
      expect(definitions.map((definition) => definition.getName()).sort()).toEqual([CALLEE, 'conformance']);
    });

    it('knows no other', async () => {
      const failure = await failureOf(ask('QueryChaincodeDefinition', named('nobody')));
      expect(failure.details[0]?.message).toBe('chaincode response 404, namespace nobody is not defined');
    });

    it('tells what an organisation approved to its administrators alone', async () => {
      const args = new lifecycle.QueryApprovedChaincodeDefinitionArgs();
      args.setName('conformance');
      const failure = await failureOf(ask('QueryApprovedChaincodeDefinition', args.serializeBinary()));
      expect(failure.details[0]?.message).toMatch(
        /^chaincode response 500, Failed to authorize invocation due to failed ACL check: /,
      );
    });

    it('asks for exactly one argument', async () => {
      const failure = await failureOf(ask('QueryChaincodeDefinition'));
      expect(failure.details[0]?.message).toBe(
        'chaincode response 500, lifecycle scc operations require exactly two arguments but received 1',
      );
    });
  });
}

function describeAdministration(ledger: () => LedgerUnderTest): void {
  describe('_lifecycle, for who deploys', () => {
    const client = useMember(ledger, HOSPITAL_A);
    const ask = (name: string, ...args: Uint8Array[]) => evaluateAt(client(), '_lifecycle', name, args);

    it('tells of the next definition that nobody has approved it yet, and of another that it is not due', async () => {
      const args = new lifecycle.CheckCommitReadinessArgs();
      args.setName('conformance');
      args.setVersion('2.0');
      args.setSequence(2);
      const bytes = await ask('CheckCommitReadiness', args.serializeBinary());
      const readiness = lifecycle.CheckCommitReadinessResult.deserializeBinary(bytes);
      const members = [GOVERNMENT, HOSPITAL_A, HOSPITAL_B, INSURER];
      expect(members.map((mspId) => readiness.getApprovalsMap().get(mspId))).toEqual([false, false, false, false]);
      expect(members.map((mspId) => readiness.getMismatchesMap().get(mspId)?.getItemsList())).toEqual(
        members.map(() => ['ChaincodeParameters']),
      );
      args.setSequence(3);
      const failure = await failureOf(ask('CheckCommitReadiness', args.serializeBinary()));
      expect(failure.details[0]?.message).toBe(
        "chaincode response 500, failed to invoke backing implementation of 'CheckCommitReadiness': requested sequence is 3, but new definition must be sequence 2",
      );
    });

    it.each(['QueryInstalledChaincodes', 'QueryInstalledChaincode', 'GetInstalledChaincodePackage'])(
      'answers %s to administrators of the peer alone',
      async (name) => {
        const failure = await failureOf(ask(name, EMPTY));
        expect(failure.details[0]?.message).toMatch(
          /^chaincode response 500, Failed to authorize invocation due to failed ACL check: /,
        );
      },
    );
  });
}

function evaluateAt(
  client: MemberClient,
  chaincode: string,
  name: string,
  args: readonly (string | Uint8Array)[],
): Promise<Uint8Array> {
  const options = { arguments: [...args], endorsingOrganizations: [HOSPITAL_A] };
  return client.network.getContract(chaincode).evaluate(name, options);
}

function configIn(block: common.Block): common.Config {
  const [envelope = EMPTY] = block.getData()?.getDataList_asU8() ?? [];
  const payload = common.Payload.deserializeBinary(common.Envelope.deserializeBinary(envelope).getPayload_asU8());
  return common.ConfigEnvelope.deserializeBinary(payload.getData_asU8()).getConfig() ?? new common.Config();
}

function organisationsOf(config: common.Config): object[] {
  const groups = config.getChannelGroup()?.getGroupsMap().get('Application')?.getGroupsMap();
  return [...(groups?.entries() ?? [])]
    .map(([mspId, group]) => {
      const value = group.getValuesMap().get('MSP')?.getValue_asU8() ?? EMPTY;
      const fabric = msp.FabricMSPConfig.deserializeBinary(msp.MSPConfig.deserializeBinary(value).getConfig_asU8());
      return {
        mspId,
        hasNodeOus: fabric.getFabricNodeOus()?.getEnable() === true,
        rootCertificates: fabric.getRootCertsList().length,
        tlsRootCertificates: fabric.getTlsRootCertsList().length,
        policies: [...group.getPoliciesMap().keys()].sort(),
      };
    })
    .sort((left, right) => (left.mspId < right.mspId ? -1 : 1));
}
