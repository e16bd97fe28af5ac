/** How an error reads in FHIR: OperationOutcome.issue.code (https://hl7.org/fhir/R4/valueset-issue-type.html). */
export type IssueType =
  | 'invalid'
  | 'structure'
  | 'required'
  | 'value'
  | 'security'
  | 'login'
  | 'expired'
  | 'forbidden'
  | 'suppressed'
  | 'processing'
  | 'not-supported'
  | 'duplicate'
  | 'not-found'
  | 'too-long'
  | 'conflict'
  | 'throttled'
  | 'transient'
  | 'lock-error'
  | 'no-store'
  | 'exception'
  | 'timeout'
  | 'incomplete'
  | 'business-rule';

export interface ErrorEntry {
  readonly status: number;
  readonly issue: IssueType;
  /** What happened, and what to do next. */
  readonly text: string;
}

/** Keeps the codes as literal types. */
export const registry = <T extends Record<string, ErrorEntry>>(entries: T): T => entries;
