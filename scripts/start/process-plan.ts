import type { Readiness } from './readiness.js';

/** One process of the network: how it is started and how one knows that it serves. */
export interface ProcessPlan {
  /** Names the log file, and the process in `processes.json`. */
  readonly name: string;
  /** Name shown to people. */
  readonly title: string;
  /** A program that is not Node's. */
  readonly program?: string;
  /** Arguments of the program, or of node. */
  readonly args: readonly string[];
  readonly cwd: string;
  /** Beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>;
  readonly readiness: Readiness;
  /** Others of its group serve without it: one that runs and is not ready in time is told, and not waited for. */
  readonly mayLag?: boolean;
}
