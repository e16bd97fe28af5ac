/** What a person at the terminal sees. */
export interface Progress {
  /** A line by itself. */
  say(line: string): void;
  /** Does the work, and then says what it was and how long it took. */
  step<T>(what: string, work: () => Promise<T>): Promise<T>;
  elapsedS(): string;
}

export function lineProgress(write: (text: string) => void, nowMs: () => number): Progress {
  const startedAtMs = nowMs();
  const say = (line: string) => write(`${line}\n`);
  return {
    say,
    async step(what, work) {
      const sinceMs = nowMs();
      const result = await work();
      say(`${what.padEnd(60, ' ')}${seconds(nowMs() - sinceMs).padStart(8, ' ')}`);
      return result;
    },
    elapsedS: () => seconds(nowMs() - startedAtMs),
  };
}

function seconds(durationMs: number): string {
  return `${(durationMs / 1000).toFixed(1)} s`;
}
