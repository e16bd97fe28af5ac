import { X509Certificate } from 'node:crypto';
import { common, msp } from '@hyperledger/fabric-protos';
import type { NodeOu } from '../msp.js';
import { parseMessage } from '../wire/parse-message.js';

/** Somebody whose signature was found good, as policies see them. */
export interface PolicySigner {
  readonly mspId: string;
  readonly ou: NodeOu | undefined;
  /** Serialised msp.SerializedIdentity; undefined where only the role is known. */
  readonly serialized?: Uint8Array;
}

/** Whether those who signed are enough; each counts once, and those without standing are left out beforehand. */
export type Policy = (signers: readonly PolicySigner[]) => boolean;

type Principal = (signer: PolicySigner) => boolean;
/** Marks the signers it uses up. */
type Rule = (signers: readonly PolicySigner[], used: boolean[]) => boolean;

/** Deeper nesting than anybody writes is an attempt to exhaust the stack. */
const DEPTH_MAX = 32;
const { MSPRoleType } = msp.MSPRole;
const { Classification } = msp.MSPPrincipal;
const ROLES: ReadonlyMap<number, NodeOu> = new Map<number, NodeOu>([
  [MSPRoleType.ADMIN, 'admin'],
  [MSPRoleType.CLIENT, 'client'],
  [MSPRoleType.PEER, 'peer'],
  [MSPRoleType.ORDERER, 'orderer'],
]);

/**
 * @throws RangeError the policy refers to an identity it does not have, or is no rule at all
 * @see Fabric common/cauthdsl/cauthdsl.go, compile
 */
export function compileSignaturePolicy(envelope: common.SignaturePolicyEnvelope): Policy {
  const principals = envelope.getIdentitiesList().map(compilePrincipal);
  const rule = compileRule(envelope.getRule(), principals, 0);
  return (signers) =>
    rule(
      signers,
      signers.map(() => false),
    );
}

/** The signature policy in bytes that somebody else made; undefined when they are none. */
export function parseSignaturePolicy(bytes: Uint8Array): Policy | undefined {
  try {
    return compileSignaturePolicy(parseMessage(common.SignaturePolicyEnvelope, bytes));
  } catch {
    // Bytes that are no policy can be satisfied by nobody; what to make of that is for the caller to say.
    return undefined;
  }
}

/** OutOf(needed, one member of each organisation in the given role). */
export function outOfPolicy(
  needed: number,
  mspIds: readonly string[],
  role: msp.MSPRole.MSPRoleTypeMap[keyof msp.MSPRole.MSPRoleTypeMap],
): common.SignaturePolicyEnvelope {
  const envelope = new common.SignaturePolicyEnvelope();
  envelope.setIdentitiesList(
    mspIds.map((mspId) => {
      const named = new msp.MSPRole();
      named.setMspIdentifier(mspId);
      named.setRole(role);
      const principal = new msp.MSPPrincipal();
      principal.setPrincipalClassification(Classification.ROLE);
      principal.setPrincipal(named.serializeBinary());
      return principal;
    }),
  );
  const outOf = new common.SignaturePolicy.NOutOf();
  outOf.setN(needed);
  outOf.setRulesList(
    mspIds.map((_, index) => {
      const signedBy = new common.SignaturePolicy();
      signedBy.setSignedBy(index);
      return signedBy;
    }),
  );
  const rule = new common.SignaturePolicy();
  rule.setNOutOf(outOf);
  envelope.setRule(rule);
  return envelope;
}

function compileRule(rule: common.SignaturePolicy | undefined, principals: readonly Principal[], depth: number): Rule {
  if (depth > DEPTH_MAX) throw new RangeError(`A policy may be nested ${DEPTH_MAX} deep.`);
  const outOf = rule?.getNOutOf();
  if (outOf !== undefined) {
    const rules = outOf.getRulesList().map((part) => compileRule(part, principals, depth + 1));
    return countRule(outOf.getN(), rules);
  }
  if (rule === undefined || rule.getTypeCase() !== common.SignaturePolicy.TypeCase.SIGNED_BY) {
    throw new RangeError('A policy has a part that is no rule.');
  }
  const principal = principals[rule.getSignedBy()];
  if (principal === undefined) throw new RangeError('A policy refers to an identity it does not list.');
  return signedByRule(principal);
}

function signedByRule(principal: Principal): Rule {
  return (signers, used) => {
    const found = signers.findIndex((signer, index) => used[index] !== true && principal(signer));
    if (found < 0) return false;
    used[found] = true;
    return true;
  };
}

/** As in Fabric every part is tried, in order, and a part that fails uses up nobody. */
function countRule(needed: number, rules: readonly Rule[]): Rule {
  return (signers, used) => {
    const taken = [...used];
    let satisfied = 0;
    for (const rule of rules) {
      const attempt = [...taken];
      if (!rule(signers, attempt)) continue;
      satisfied += 1;
      taken.splice(0, taken.length, ...attempt);
    }
    if (satisfied < needed) return false;
    used.splice(0, used.length, ...taken);
    return true;
  };
}

function compilePrincipal(principal: msp.MSPPrincipal): Principal {
  const bytes = principal.getPrincipal_asU8();
  switch (principal.getPrincipalClassification()) {
    case Classification.ROLE:
      return rolePrincipal(parseMessage(msp.MSPRole, bytes));
    case Classification.IDENTITY:
      return ({ serialized }) => serialized !== undefined && Buffer.compare(serialized, bytes) === 0;
    case Classification.ORGANIZATION_UNIT:
      return unitPrincipal(parseMessage(msp.OrganizationUnit, bytes));
    case Classification.COMBINED: {
      const parts = parseMessage(msp.CombinedPrincipal, bytes).getPrincipalsList().map(compilePrincipal);
      return (signer) => parts.length > 0 && parts.every((part) => part(signer));
    }
    default:
      // Anonymity is for identities without certificates, which this channel has not got.
      return () => false;
  }
}

function rolePrincipal(role: msp.MSPRole): Principal {
  const mspId = role.getMspIdentifier();
  if (role.getRole() === MSPRoleType.MEMBER) return (signer) => signer.mspId === mspId;
  const ou = ROLES.get(role.getRole());
  return (signer) => ou !== undefined && signer.mspId === mspId && signer.ou === ou;
}

function unitPrincipal(unit: msp.OrganizationUnit): Principal {
  const mspId = unit.getMspIdentifier();
  const name = unit.getOrganizationalUnitIdentifier();
  return ({ mspId: signerMspId, serialized }) =>
    signerMspId === mspId && serialized !== undefined && unitsOf(serialized).includes(name);
}

function unitsOf(serialized: Uint8Array): readonly unknown[] {
  const certificate = new X509Certificate(parseMessage(msp.SerializedIdentity, serialized).getIdBytes_asU8());
  const named: unknown = certificate.toLegacyObject().subject?.OU;
  return Array.isArray(named) ? named : [named];
}
