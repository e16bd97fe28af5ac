export type DefinitionErrorCode =
  | 'POLICY_INVALID'
  | 'COLLECTIONS_INVALID'
  | 'CONNECTION_INVALID'
  | 'DEFINITION_INVALID'
  | 'DEFINITION_SEQUENCE'
  | 'DEFINITIONS_UNREADABLE'
  | 'CHAINCODE_BUILD_FAILED'
  | 'CHAINCODE_EXITED'
  | 'CHAINCODE_NOT_READY';

/** A chaincode cannot be defined as it was asked for. The message is one sentence that says what to do. */
export class DefinitionError extends Error {
  readonly code: DefinitionErrorCode;

  constructor(code: DefinitionErrorCode, detail: string, options?: ErrorOptions) {
    super(`${code}: ${detail}`, options);
    this.name = 'DefinitionError';
    this.code = code;
  }
}
