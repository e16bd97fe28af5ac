import { unreadable } from './identities-error.js';
import { organisationFilePath } from './identity-paths.js';
import { readText } from './key-pair.js';

export function organisationFileText(mspId: string, domain: string): string {
  return `${JSON.stringify({ mspId, domain })}\n`;
}

/** @throws IdentitiesError IDENTITIES_UNREADABLE */
export function parseMspId(organisation: string): string {
  const path = organisationFilePath(organisation);
  const text = readText(path);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw unreadable(path, 'is not JSON', cause);
  }
  if (typeof value === 'object' && value !== null && 'mspId' in value && typeof value.mspId === 'string') {
    return value.mspId;
  }
  throw unreadable(path, 'names no mspId');
}
