export type FabricErrorCode =
  | 'AUTHORITY_ENDS'
  | 'CERTIFICATE_UNKNOWN'
  | 'CHANNEL_UPDATE_REFUSED'
  | 'FABRIC_BINARIES_MISSING'
  | 'FABRIC_COMMAND_FAILED'
  | 'FABRIC_DATA_UNUSABLE'
  | 'FABRIC_DOWNLOAD_FAILED'
  | 'FABRIC_NOT_READY'
  | 'NETWORK_NOT_RUNNING'
  | 'ORGANISATION_INVALID'
  | 'ORGANISATION_TAKEN'
  | 'PORT_TAKEN';

/** The Fabric network cannot be brought up or asked. The message is one sentence that says what to do. */
export class FabricError extends Error {
  readonly code: FabricErrorCode;

  constructor(code: FabricErrorCode, detail: string, options?: { cause?: unknown }) {
    super(`${code}: ${detail}`, options);
    this.name = 'FabricError';
    this.code = code;
  }
}
