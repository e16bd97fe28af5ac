import { common, msp, peer } from '@hyperledger/fabric-protos';
import { describe, expect, it } from '@jest/globals';
import { plainDefinition } from '../../../network/devledger/commit/chaincode-definition.js';
import { ChannelRules } from '../../../network/devledger/commit/channel-rules.js';
import {
  compileSignaturePolicy,
  outOfPolicy,
  type PolicySigner,
  parseSignaturePolicy,
} from '../../../network/devledger/commit/signature-policy.js';
import type { NodeOu } from '../../../network/devledger/msp.js';
import { createAuthority } from '../ledger-support.js';

const { ADMIN, CLIENT, MEMBER, ORDERER, PEER } = msp.MSPRole.MSPRoleType;
const { Classification } = msp.MSPPrincipal;

/** `Org1.peer`, or `Org1` for somebody whose role is not known. */
function signer(text: string): PolicySigner {
  const [mspId = '', ou] = text.split('.');
  return { mspId, ou: ou as NodeOu | undefined };
}

/** A rule over identities by their place in the list: a number, or `[n, ...rules]` for n out of them. */
type Rule = number | RuleList;
interface RuleList extends ReadonlyArray<Rule> {}

function rule(shape: Rule): common.SignaturePolicy {
  const message = new common.SignaturePolicy();
  if (typeof shape === 'number') {
    message.setSignedBy(shape);
    return message;
  }
  const [needed, ...rules] = shape;
  const outOf = new common.SignaturePolicy.NOutOf();
  outOf.setN(typeof needed === 'number' ? needed : 0);
  outOf.setRulesList(rules.map(rule));
  message.setNOutOf(outOf);
  return message;
}

function policy(shape: Rule, ...mspIds: string[]) {
  const envelope = outOfPolicy(1, mspIds, PEER);
  envelope.setRule(rule(shape));
  return compileSignaturePolicy(envelope);
}

describe('a signature policy', () => {
  it.each<{ name: string; shape: Rule; signers: string[]; satisfied: boolean }>([
    { name: 'AND, both', shape: [2, 0, 1], signers: ['A.peer', 'B.peer'], satisfied: true },
    { name: 'AND, one', shape: [2, 0, 1], signers: ['A.peer'], satisfied: false },
    { name: 'AND, one twice', shape: [2, 0, 1], signers: ['A.peer', 'A.peer'], satisfied: false },
    { name: 'OR, the second', shape: [1, 0, 1], signers: ['B.peer'], satisfied: true },
    { name: 'OR, another', shape: [1, 0, 1], signers: ['D.peer'], satisfied: false },
    { name: 'OR, in another role', shape: [1, 0, 1], signers: ['A.client', 'A'], satisfied: false },
    { name: '2 of 3', shape: [2, 0, 1, 2], signers: ['C.peer', 'A.peer'], satisfied: true },
    { name: '2 of 3, one', shape: [2, 0, 1, 2], signers: ['C.peer'], satisfied: false },
    { name: 'A and one of B, C', shape: [2, 0, [1, 1, 2]], signers: ['C.peer', 'A.peer'], satisfied: true },
    { name: 'A and one of B, C without A', shape: [2, 0, [1, 1, 2]], signers: ['C.peer', 'B.peer'], satisfied: false },
    { name: 'A and A, two peers of it', shape: [2, 0, 0], signers: ['A.peer', 'A.peer'], satisfied: true },
    { name: 'A and A, one peer of it', shape: [2, 0, 0], signers: ['A.peer'], satisfied: false },
    { name: 'none out of none', shape: [0], signers: [], satisfied: true },
    // A part that fails must not keep the signatures it tried.
    { name: 'OR of (A and B), A', shape: [1, [2, 0, 1], 0], signers: ['A.peer'], satisfied: true },
    { name: '(A or B) and A, by A alone', shape: [2, [1, 0, 1], 0], signers: ['A.peer'], satisfied: false },
  ])('$name: $satisfied', ({ shape, signers, satisfied }) => {
    expect(policy(shape, 'A', 'B', 'C')(signers.map(signer))).toBe(satisfied);
  });

  it.each([
    { role: MEMBER, satisfied: ['A', 'A.admin', 'A.client', 'A.orderer', 'A.peer'] },
    { role: ADMIN, satisfied: ['A.admin'] },
    { role: CLIENT, satisfied: ['A.client'] },
    { role: PEER, satisfied: ['A.peer'] },
    { role: ORDERER, satisfied: ['A.orderer'] },
  ])('of role $role is satisfied by $satisfied', ({ role, satisfied }) => {
    const compiled = compileSignaturePolicy(outOfPolicy(1, ['A'], role));
    const all = ['A', 'A.admin', 'A.client', 'A.orderer', 'A.peer', 'B.peer'];
    expect(all.filter((text) => compiled([signer(text)]))).toEqual(satisfied);
  });

  it('may name an identity, a unit, or both at once', async () => {
    const { serialized } = await (await createAuthority('A')).issue('somebody', { ou: 'peer' });
    const holder: PolicySigner = { mspId: 'A', ou: 'peer', serialized };
    const unit = new msp.OrganizationUnit();
    unit.setMspIdentifier('A');
    unit.setOrganizationalUnitIdentifier('peer');
    const identity = principal(Classification.IDENTITY, serialized);
    const inUnit = principal(Classification.ORGANIZATION_UNIT, unit.serializeBinary());
    unit.setOrganizationalUnitIdentifier('research');
    const elsewhere = principal(Classification.ORGANIZATION_UNIT, unit.serializeBinary());
    const both = (...parts: msp.MSPPrincipal[]) => {
      const combined = new msp.CombinedPrincipal();
      combined.setPrincipalsList(parts);
      return principal(Classification.COMBINED, combined.serializeBinary());
    };
    const cases = [identity, inUnit, elsewhere, both(identity, inUnit), both(identity, elsewhere), both()];
    expect(cases.map((one) => ofPrincipal(one)([holder]))).toEqual([true, true, false, true, false, false]);
  });

  it.each<{ name: string; bytes: Uint8Array }>([
    { name: 'nothing', bytes: new Uint8Array() },
    { name: 'no message', bytes: Buffer.from('nonsense') },
    { name: 'an identity that is not listed', bytes: withRule(3) },
    {
      name: 'more depth than anybody needs',
      bytes: withRule(Array.from({ length: 40 }).reduce<Rule>((inner) => [1, inner], 0)),
    },
  ])('that is $name is none', ({ bytes }) => {
    expect(parseSignaturePolicy(bytes)).toBeUndefined();
  });
});

describe('a policy that a chaincode’s definition names by its place in the channel', () => {
  const members = ['A', 'B', 'C', 'Client'];
  const rulesWith = (reference: string) => {
    const named = new peer.ApplicationPolicy();
    named.setChannelConfigPolicyReference(reference);
    const policyOfChannel = { endorsers: ['A', 'B', 'C'], needed: 2 };
    const definition = {
      ...plainDefinition({ name: 'cc', version: '1.0' }, policyOfChannel),
      endorsementPolicy: named.serializeBinary(),
    };
    const rules = new ChannelRules({
      channel: 'c',
      policy: policyOfChannel,
      chaincodes: [],
      definitions: [definition],
      mspIds: members,
    });
    return rules.chaincodePolicy('cc');
  };

  it.each([
    { reference: '/Channel/Application/Endorsement', enough: ['A.peer', 'C.peer'], tooFew: ['A.peer', 'C.client'] },
    { reference: 'Endorsement', enough: ['A.peer', 'C.peer'], tooFew: ['A.peer'] },
    { reference: '/Channel/Application/LifecycleEndorsement', enough: ['A.peer', 'B.peer'], tooFew: ['B.peer'] },
    { reference: '/Channel/Application/A/Endorsement', enough: ['A.peer'], tooFew: ['B.peer', 'A.client'] },
    { reference: '/Channel/Application/Client/Endorsement', enough: ['Client.client'], tooFew: ['A.peer'] },
    { reference: '/Channel/Application/Admins', enough: ['A.admin', 'B.admin'], tooFew: ['A.admin', 'B.peer'] },
  ])('$reference', ({ reference, enough, tooFew }) => {
    expect([enough, tooFew].map((signers) => rulesWith(reference)(signers.map(signer)))).toEqual([true, false]);
  });

  it.each(['/Channel/Application/Nothing', '/Channel/Orderer/Writers', ''])(
    '%s is satisfied by nobody',
    (reference) => {
      expect(rulesWith(reference)(members.map((mspId) => signer(`${mspId}.peer`)))).toBe(false);
    },
  );
});

function withRule(shape: Rule): Uint8Array {
  const envelope = outOfPolicy(1, ['A'], PEER);
  envelope.setRule(rule(shape));
  return envelope.serializeBinary();
}

function principal(
  classification: msp.MSPPrincipal.ClassificationMap[keyof msp.MSPPrincipal.ClassificationMap],
  bytes: Uint8Array,
): msp.MSPPrincipal {
  const message = new msp.MSPPrincipal();
  message.setPrincipalClassification(classification);
  message.setPrincipal(bytes);
  return message;
}

function ofPrincipal(one: msp.MSPPrincipal) {
  const envelope = outOfPolicy(1, ['A'], PEER);
  envelope.setIdentitiesList([one]);
  return compileSignaturePolicy(envelope);
}
