import {
  type Actor,
  type Consents,
  consentsOf,
  type GrantId,
  type Member,
  type OpenEmergency,
  type RecordSet,
  type SetId,
  type StoredEmergency,
} from '@medledger/chaincode/domain';
import type { StateWrite } from '../../gateway/ledger/ledger-block.js';
import {
  EMERGENCY_PREFIX,
  GRANT_PREFIX,
  GROUP_PREFIX,
  DELEGATION_PREFIX,
  memberKey,
  NOTICED_PREFIX,
  openEmergenciesKey,
  POLICY_PREFIX,
  RECORD_SET_PREFIX,
  recordSetKey,
  REPRESENTATION_PREFIX,
  USES_PREFIX,
} from './state-keys.js';
import {
  parseEmergency,
  parseGrantRow,
  parseMember,
  parseNumberMember,
  parseOpenEmergencies,
  parseRecordSet,
  parseStatementRow,
} from './stored-values.js';

/** Of these a patient's part is kept by patient: the second part of their keys. */
const PATIENT_PREFIXES = [
  POLICY_PREFIX,
  GRANT_PREFIX,
  GROUP_PREFIX,
  REPRESENTATION_PREFIX,
  DELEGATION_PREFIX,
  EMERGENCY_PREFIX,
  NOTICED_PREFIX,
  USES_PREFIX,
];
const OTHER_PREFIXES = ['member~', 'emergencies~', RECORD_SET_PREFIX];

type Texts = Map<string, string>;

/**
 * What decisions are made from, as it stood before one transaction: made again from the writes of all valid
 * transactions before it, block by block.
 */
export class ReplayedState {
  readonly #byPatient = new Map<string, Texts>();
  readonly #others: Texts = new Map();
  readonly #consents = new Map<string, Consents>();

  apply(writes: readonly StateWrite[]): void {
    for (const write of writes) {
      const texts = this.#textsFor(write.key);
      if (texts === undefined) continue;
      if (write.isDelete) texts.delete(write.key);
      else texts.set(write.key, write.value);
    }
  }

  member(memberId: string): Member | undefined {
    return parseMember(this.#others.get(memberKey(memberId)));
  }

  recordSet(setId: SetId): RecordSet | undefined {
    return parseRecordSet(this.#others.get(recordSetKey(setId)));
  }

  emergency(patientId: string, emergencyId: string): StoredEmergency | undefined {
    return parseEmergency(this.#byPatient.get(patientId)?.get(`${EMERGENCY_PREFIX}${patientId}~${emergencyId}`));
  }

  openEmergencies(memberId: string): readonly OpenEmergency[] {
    return parseOpenEmergencies(this.#others.get(openEmergenciesKey(memberId))) ?? [];
  }

  /**
   * Everything the patient had said: more than any one decision looked at, which by the rules decides alike.
   *
   * @throws DomainError for a statement that is none
   */
  consents(patientId: string): Consents {
    const known = this.#consents.get(patientId);
    if (known !== undefined) return known;
    const made = this.#readConsents(patientId);
    this.#consents.set(patientId, made);
    return made;
  }

  #textsFor(key: string): Texts | undefined {
    if (OTHER_PREFIXES.some((prefix) => key.startsWith(prefix))) return this.#others;
    if (!PATIENT_PREFIXES.some((prefix) => key.startsWith(prefix))) return undefined;
    const patientId = key.split('~')[1] ?? '';
    this.#consents.delete(patientId);
    const texts = this.#byPatient.get(patientId) ?? new Map<string, string>();
    this.#byPatient.set(patientId, texts);
    return texts;
  }

  #readConsents(patientId: string): Consents {
    const rows = [...(this.#byPatient.get(patientId) ?? [])];
    const statements = (prefix: string) => below(rows, prefix).flatMap(([, text]) => parseStatementRow(text) ?? []);
    const numbers = (prefix: string, name: string) =>
      below(rows, prefix).map(([key, text]): [string, number] => [lastOf(key), parseNumberMember(text, name) ?? 0]);
    const [policy] = statements(POLICY_PREFIX);
    return consentsOf({
      ...(policy === undefined ? {} : { policy: policy.statement }),
      grants: below(rows, GRANT_PREFIX).flatMap(([, text]) => parseGrantRow(text) ?? []),
      delegations: statements(DELEGATION_PREFIX),
      groups: statements(GROUP_PREFIX).map(({ statement }) => statement),
      representations: statements(REPRESENTATION_PREFIX),
      emergencies: [],
      used: parseUsed(numbers(USES_PREFIX, 'used')),
      noticed: Object.fromEntries(numbers(NOTICED_PREFIX, 'registerVersion')),
    });
  }
}

/** As the register said at the time. */
export function actorFrom({ memberId, role, agencyId, registerVersion }: Member): Actor {
  return {
    memberId,
    role,
    ...(agencyId === undefined ? {} : { agencyId }),
    ...(registerVersion === undefined ? {} : { registerVersion }),
  };
}

function below(rows: readonly [string, string][], prefix: string): readonly [string, string][] {
  return rows.filter(([key]) => key.startsWith(prefix));
}

function lastOf(key: string): string {
  return key.slice(key.lastIndexOf('~') + 1);
}

/** The last part of these keys is a grant id. */
function parseUsed(counts: readonly [string, number][]): Readonly<Partial<Record<GrantId, number>>> {
  return Object.fromEntries(counts) as Partial<Record<GrantId, number>>;
}
