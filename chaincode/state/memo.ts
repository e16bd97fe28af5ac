/**
 * Remembers the results of a pure function. The one that was not asked for longest is forgotten first.
 *
 * @param entriesMax - results kept at most
 */
export function memo<T>(compute: (key: string) => T, entriesMax: number): (key: string) => T {
  const known = new Map<string, T>();
  return (key) => {
    const found = known.get(key);
    const value = found ?? compute(key);
    if (found !== undefined) known.delete(key);
    else if (known.size >= entriesMax) forgetOldest(known);
    known.set(key, value);
    return value;
  };
}

function forgetOldest(known: Map<string, unknown>): void {
  for (const oldest of known.keys()) {
    known.delete(oldest);
    return;
  }
}
