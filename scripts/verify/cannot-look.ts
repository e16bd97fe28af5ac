/** Nothing was judged, because it could not be looked at; the message says what to do. */
export class CannotLook extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CannotLook';
  }
}
