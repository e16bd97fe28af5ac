/** A file of the state is not what was written. Its reader knows whose state it is, and says so. */
export class DamagedTable extends Error {
  constructor(path: string, detail: string, options?: ErrorOptions) {
    super(`${path}: ${detail}`, options);
    this.name = 'DamagedTable';
  }
}
