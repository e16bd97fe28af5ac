/** Whose protocols and semantics these are. Not Fabric's own number alone: whoever asks is to see what answers. */
export const LEDGER_VERSION = '3.1-devledger';
