import type { ScopeInput } from '../services/medledger.js';

/** A response schema wants lists of its own; what the rules hold is read-only. */
export function copyScope({ classes, records, labels }: ScopeInput): {
  classes?: string[];
  records?: string[];
  labels?: string[];
} {
  return {
    ...(classes !== undefined && { classes: [...classes] }),
    ...(records !== undefined && { records: [...records] }),
    ...(labels !== undefined && { labels: [...labels] }),
  };
}
