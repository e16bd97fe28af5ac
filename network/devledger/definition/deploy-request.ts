import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import { ChaincodeFields } from '../../topology-shape.js';
import type { DeployRequest } from '../deployments.js';
import { DefinitionError } from './definition-error.js';

const DeployShape = Type.Object(
  { ...ChaincodeFields, sequence: Type.Optional(ChaincodeFields.sequence) },
  { additionalProperties: false },
);

/** Where the pattern says too little. */
const WORDS = new Map([
  ['name', 'takes letters and digits, and single hyphens or underscores between them'],
  ['version', 'takes letters, digits and the characters _ . + -'],
  ['address', 'takes host:port, e.g. 127.0.0.1:9999'],
]);

/**
 * What another process asks to have deployed.
 *
 * @throws DefinitionError DEFINITION_INVALID
 */
export function parseDeployRequest(text: string): DeployRequest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new DefinitionError('DEFINITION_INVALID', 'the request is not JSON.', { cause });
  }
  const [first] = Errors(DeployShape, value);
  if (first !== undefined) {
    const field = first.instancePath.slice(1) || 'the request';
    throw new DefinitionError('DEFINITION_INVALID', `${field} ${WORDS.get(field) ?? first.message}.`);
  }
  return value as DeployRequest;
}
