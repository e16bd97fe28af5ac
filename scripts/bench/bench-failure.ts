/** What was measured did not do what it is for: whatever its speed, the run is worth nothing. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure';
}

/** @throws BenchFailure with what is not so */
export function requireThat(isSo: boolean, whatFailed: string): asserts isSo {
  if (!isSo) throw new BenchFailure(whatFailed);
}
