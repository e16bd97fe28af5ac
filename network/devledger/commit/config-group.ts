import { common, msp } from '@hyperledger/fabric-protos';
import type { MspDefinition } from '../msp.js';
import { outOfPolicy } from './signature-policy.js';

const { MSPRoleType } = msp.MSPRole;
const { SIGNATURE, IMPLICIT_META } = common.Policy.PolicyType;
const { ANY, MAJORITY } = common.ImplicitMetaPolicy.Rule;
const ADMINS = 'Admins';

type Role = Parameters<typeof outOfPolicy>[2];

interface Message {
  serializeBinary(): Uint8Array;
}

export function group(values: Readonly<Record<string, Message>>): common.ConfigGroup {
  const message = new common.ConfigGroup();
  message.setModPolicy(ADMINS);
  for (const [name, content] of sorted(values)) {
    const value = new common.ConfigValue();
    value.setModPolicy(ADMINS);
    value.setValue(content.serializeBinary());
    message.getValuesMap().set(name, value);
  }
  return message;
}

export function setPolicies(target: common.ConfigGroup, policies: Readonly<Record<string, common.Policy>>): void {
  for (const [name, content] of sorted(policies)) {
    const policy = new common.ConfigPolicy();
    policy.setModPolicy(ADMINS);
    policy.setPolicy(content);
    target.getPoliciesMap().set(name, policy);
  }
}

/** Maps have no order on the wire; everybody who makes this block has to make the same bytes. */
function sorted<Value>(entries: Readonly<Record<string, Value>>): [string, Value][] {
  return Object.entries(entries).sort(([left], [right]) => (left < right ? -1 : 1));
}

export function signature(needed: number, mspIds: readonly string[], roles: readonly Role[]): common.Policy {
  const [role = MSPRoleType.MEMBER] = roles;
  const envelope =
    roles.length === 1 ? outOfPolicy(needed, mspIds, role) : anyOf(roles.map((one) => outOfPolicy(1, mspIds, one)));
  const policy = new common.Policy();
  policy.setType(SIGNATURE);
  policy.setValue(envelope.serializeBinary());
  return policy;
}

/** One signature that satisfies one of several policies, each of one identity. */
function anyOf(policies: readonly common.SignaturePolicyEnvelope[]): common.SignaturePolicyEnvelope {
  const joined = new common.SignaturePolicyEnvelope();
  joined.setIdentitiesList(policies.flatMap((policy) => policy.getIdentitiesList()));
  const outOf = new common.SignaturePolicy.NOutOf();
  outOf.setN(1);
  outOf.setRulesList(
    policies.map((_, index) => {
      const signedBy = new common.SignaturePolicy();
      signedBy.setSignedBy(index);
      return signedBy;
    }),
  );
  const rule = new common.SignaturePolicy();
  rule.setNOutOf(outOf);
  joined.setRule(rule);
  return joined;
}

export function implicit(rule: typeof ANY | typeof MAJORITY, subPolicy: string): common.Policy {
  const meta = new common.ImplicitMetaPolicy();
  meta.setRule(rule);
  meta.setSubPolicy(subPolicy);
  const policy = new common.Policy();
  policy.setType(IMPLICIT_META);
  policy.setValue(meta.serializeBinary());
  return policy;
}

export function capabilities(name: string): common.Capabilities {
  const message = new common.Capabilities();
  message.getCapabilitiesMap().set(name, new common.Capability());
  return message;
}

export function mspConfig({ mspId, caCertPems, tlsCaCertPems = [] }: MspDefinition): msp.MSPConfig {
  const issuer = Buffer.from(caCertPems[0] ?? '', 'utf8');
  const nodeOus = new msp.FabricNodeOUs();
  nodeOus.setEnable(true);
  nodeOus.setClientOuIdentifier(ouIdentifier('client', issuer));
  nodeOus.setPeerOuIdentifier(ouIdentifier('peer', issuer));
  nodeOus.setAdminOuIdentifier(ouIdentifier('admin', issuer));
  nodeOus.setOrdererOuIdentifier(ouIdentifier('orderer', issuer));
  const crypto = new msp.FabricCryptoConfig();
  crypto.setSignatureHashFamily('SHA2');
  crypto.setIdentityIdentifierHashFunction('SHA256');
  const fabricConfig = new msp.FabricMSPConfig();
  fabricConfig.setName(mspId);
  fabricConfig.setRootCertsList(caCertPems.map((pem) => Buffer.from(pem, 'utf8')));
  fabricConfig.setTlsRootCertsList(tlsCaCertPems.map((pem) => Buffer.from(pem, 'utf8')));
  fabricConfig.setCryptoConfig(crypto);
  fabricConfig.setFabricNodeOus(nodeOus);
  const config = new msp.MSPConfig();
  config.setConfig(fabricConfig.serializeBinary());
  return config;
}

function ouIdentifier(ou: string, issuer: Buffer): msp.FabricOUIdentifier {
  const identifier = new msp.FabricOUIdentifier();
  identifier.setOrganizationalUnitIdentifier(ou);
  identifier.setCertificate(issuer);
  return identifier;
}
