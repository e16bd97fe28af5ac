import { common, msp } from '@hyperledger/fabric-protos';
import { DefinitionError } from './definition-error.js';
import { type PolicyToken, policyTokens } from './policy-tokens.js';

/** A gate counts how many of its parts are satisfied; a principal is one signature. */
type Expression =
  | { readonly kind: 'principal'; readonly mspId: string; readonly role: RoleName }
  | { readonly kind: 'gate'; readonly needed: number; readonly parts: readonly Expression[] };

type RoleName = keyof typeof ROLES;

const ROLES = {
  member: msp.MSPRole.MSPRoleType.MEMBER,
  admin: msp.MSPRole.MSPRoleType.ADMIN,
  client: msp.MSPRole.MSPRoleType.CLIENT,
  peer: msp.MSPRole.MSPRoleType.PEER,
  orderer: msp.MSPRole.MSPRoleType.ORDERER,
};
const PRINCIPAL = /^([A-Za-z0-9.-]+)\.(admin|member|client|peer|orderer)$/;
/** Parsing is recursive. */
const DEPTH_MAX = 50;

/**
 * The policy that an expression in Fabric's language stands for: `AND('Org1MSP.member', OR('Org2MSP.peer', …))`,
 * `OutOf(2, …)`. The same bytes as Fabric makes of it, the order of the identities included: those of the gates within
 * a gate come before its own. Where Fabric would take more than there are parts (`OutOf(3, a, b)`), this does not.
 *
 * @throws DefinitionError POLICY_INVALID
 * @see Fabric common/policydsl/policyparser.go, FromString
 */
export function parsePolicyExpression(text: string): common.SignaturePolicyEnvelope {
  const reader = new PolicyReader(text);
  const expression = reader.whole();
  const identities: msp.MSPPrincipal[] = [];
  const envelope = new common.SignaturePolicyEnvelope();
  envelope.setVersion(0);
  envelope.setRule(ruleOf(expression, identities));
  envelope.setIdentitiesList(identities);
  return envelope;
}

/** At least `needed` of these organisations, each by one of its peers. */
export function quorumPolicy(mspIds: readonly string[], needed: number): common.SignaturePolicyEnvelope {
  return parsePolicyExpression(`OutOf(${needed}, ${mspIds.map((mspId) => `'${mspId}.peer'`).join(', ')})`);
}

function ruleOf(expression: Expression, identities: msp.MSPPrincipal[]): common.SignaturePolicy {
  const rule = new common.SignaturePolicy();
  if (expression.kind === 'principal') {
    rule.setSignedBy(identities.length);
    identities.push(principalOf(expression));
    return rule;
  }
  const gates = new Map(
    expression.parts.filter(({ kind }) => kind === 'gate').map((part) => [part, ruleOf(part, identities)]),
  );
  const outOf = new common.SignaturePolicy.NOutOf();
  outOf.setN(expression.needed);
  outOf.setRulesList(expression.parts.map((part) => gates.get(part) ?? ruleOf(part, identities)));
  rule.setNOutOf(outOf);
  return rule;
}

function principalOf({ mspId, role }: { mspId: string; role: RoleName }): msp.MSPPrincipal {
  const mspRole = new msp.MSPRole();
  mspRole.setMspIdentifier(mspId);
  mspRole.setRole(ROLES[role]);
  const principal = new msp.MSPPrincipal();
  principal.setPrincipalClassification(msp.MSPPrincipal.Classification.ROLE);
  principal.setPrincipal(mspRole.serializeBinary());
  return principal;
}

class PolicyReader {
  readonly #text: string;
  readonly #tokens: readonly PolicyToken[];
  #next = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = policyTokens(text, (detail) => this.#fault(detail));
  }

  whole(): Expression {
    const expression = this.#gate(0);
    const rest = this.#tokens[this.#next];
    if (rest !== undefined) throw this.#fault(`nothing is expected after the last bracket, not ${rest.text}`);
    return expression;
  }

  #gate(depth: number): Expression {
    if (depth > DEPTH_MAX) throw this.#fault(`gates are nested more than ${DEPTH_MAX} deep`);
    const name = this.#take('name', 'AND, OR or OutOf').text.toLowerCase();
    if (!['and', 'or', 'outof'].includes(name)) throw this.#fault(`${name} is none of AND, OR and OutOf`);
    this.#take('(', 'an opening bracket');
    const count = name === 'outof' ? this.#count() : undefined;
    const parts = this.#parts(depth);
    const needed = count ?? (name === 'and' ? parts.length : 1);
    if (needed > parts.length) throw this.#fault(`OutOf asks for ${needed} of ${parts.length}`);
    return { kind: 'gate', needed, parts };
  }

  #count(): number {
    const token = this.#tokens[this.#next];
    if (token === undefined || !/^\d{1,4}$/.test(token.text)) {
      throw this.#fault('OutOf takes first how many are needed, then of what');
    }
    this.#next += 1;
    this.#take(',', 'a comma');
    return Number(token.text);
  }

  #parts(depth: number): Expression[] {
    const parts = [this.#part(depth)];
    while (this.#tokens[this.#next]?.kind === ',') {
      this.#next += 1;
      parts.push(this.#part(depth));
    }
    this.#take(')', 'a comma or a closing bracket');
    return parts;
  }

  #part(depth: number): Expression {
    if (this.#tokens[this.#next]?.kind === 'name') return this.#gate(depth + 1);
    const { text } = this.#take('string', "a principal such as 'Org1MSP.member', or another gate");
    const [, mspId, role] = PRINCIPAL.exec(text) ?? [];
    if (mspId === undefined || !isRole(role)) {
      throw this.#fault(
        `'${text}' is no principal: it takes an MSP id, a dot, and one of ${Object.keys(ROLES).join(', ')}`,
      );
    }
    return { kind: 'principal', mspId, role };
  }

  #take(kind: PolicyToken['kind'], expected: string): PolicyToken {
    const token = this.#tokens[this.#next];
    if (token?.kind !== kind)
      throw this.#fault(`${expected} is expected ${token === undefined ? 'at the end' : `before ${token.text}`}`);
    this.#next += 1;
    return token;
  }

  #fault(detail: string): DefinitionError {
    return new DefinitionError('POLICY_INVALID', `in the policy ${this.#text}: ${detail}.`);
  }
}

function isRole(role: string | undefined): role is RoleName {
  return role !== undefined && Object.hasOwn(ROLES, role);
}
