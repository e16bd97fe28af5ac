export type FabricErrorCode =
  | 'FABRIC_BINARIES_MISSING'
  | 'FABRIC_COMMAND_FAILED'
  | 'FABRIC_DATA_UNUSABLE'
  | 'FABRIC_DOWNLOAD_FAILED'
  | 'FABRIC_NOT_READY';

/** The Fabric network cannot be brought up or asked. The message is one sentence that says what to do. */
export class FabricError extends Error {
  readonly code: FabricErrorCode;

  constructor(code: FabricErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'FabricError';
    this.code = code;
  }
}
