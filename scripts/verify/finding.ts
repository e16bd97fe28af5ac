/** What is looked at. */
export type CheckName =
  | 'peer'
  | 'definitions'
  | 'orderer'
  | 'agreement'
  | 'lanes'
  | 'register'
  | 'consents'
  | 'decisions'
  | 'vault'
  | 'custody';

/** One thing that is not as it should be. */
export interface Finding {
  readonly check: CheckName;
  /** MSP id of the organisation whose data it is; `orderer` for the orderer's, `network` where it is nobody's alone. */
  readonly organisation: string;
  /** Block with file and byte, key, lane and sequence, or record. */
  readonly where: string;
  readonly what: string;
  /** A sentence for the operator. */
  readonly next: string;
}

/** What one check looked at, and what it came to. */
export interface CheckResult {
  readonly check: CheckName;
  readonly organisation: string;
  /** By what was counted, e.g. `blocks`. */
  readonly counts: Readonly<Record<string, number>>;
  readonly findings: readonly Finding[];
}

/** Collects what one check of one organisation's data finds. */
export class CheckLog {
  readonly #check: CheckName;
  readonly #organisation: string;
  readonly #next: string;
  readonly #findings: Finding[] = [];
  readonly #counts: Record<string, number> = {};

  /** @param next - what to do about a finding that says nothing of its own */
  constructor(check: CheckName, organisation: string, next: string) {
    this.#check = check;
    this.#organisation = organisation;
    this.#next = next;
  }

  found(where: string, what: string, next: string = this.#next): void {
    this.#findings.push({ check: this.#check, organisation: this.#organisation, where, what, next });
  }

  count(what: string, added = 1): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + added;
  }

  get result(): CheckResult {
    return {
      check: this.#check,
      organisation: this.#organisation,
      counts: { ...this.#counts },
      findings: [...this.#findings],
    };
  }
}
