import type { Readiness } from './readiness.js';

/** One process of the network: how it is started and how one knows that it serves. */
export interface ProcessPlan {
  /** Names the log file, and the process in `processes.json`. */
  readonly name: string;
  /** Name shown to people. */
  readonly title: string;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly readiness: Readiness;
}
