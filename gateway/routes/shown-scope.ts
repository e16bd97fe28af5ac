import { formatTime } from '../schemas/iso-time.js';
import type { GranteeInput, ScopeInput } from '../services/consent-services.js';

/** A response schema wants lists of its own; what the rules hold is read-only. */
export function copyScope({ classes, records, labels, dataFromMs, dataUntilMs }: ScopeInput): {
  classes?: string[];
  records?: string[];
  labels?: string[];
  dataFrom?: string;
  dataUntil?: string;
} {
  return {
    ...(classes !== undefined && { classes: [...classes] }),
    ...(records !== undefined && { records: [...records] }),
    ...(labels !== undefined && { labels: [...labels] }),
    ...(dataFromMs !== undefined && { dataFrom: formatTime(dataFromMs) }),
    ...(dataUntilMs !== undefined && { dataUntil: formatTime(dataUntilMs) }),
  };
}

export function copyGrantee({ kind, id, agencyId }: GranteeInput): GranteeInput {
  return { kind, id, ...(agencyId !== undefined && { agencyId }) };
}
