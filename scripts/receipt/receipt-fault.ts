/** Something about a receipt is not as it must be; the message says what. */
export class ReceiptFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ReceiptFault';
  }
}

/** @throws ReceiptFault, always */
export function fault(message: string, cause?: unknown): never {
  throw new ReceiptFault(message, cause === undefined ? undefined : { cause });
}
