import { join } from 'node:path';
import { Child, type ChildEnd } from './child.js';
import { ProcessLog } from './process-log.js';
import type { ProcessPlan } from './process-plan.js';
import { StartError } from './start-error.js';

export interface SupervisorOptions {
  /** Logs lie here, one file per process. */
  readonly logDir: string;
  /** URL of the module that ends a process with this one. */
  readonly preload: string;
  /** One line for people. */
  readonly say: (line: string) => void;
  /** Called whenever a process began or ended. */
  readonly onChange?: (running: Readonly<Record<string, number>>) => void;
  readonly readyMs?: number;
  readonly graceMs?: number;
  readonly restartDelaysMs?: readonly number[];
}

const READY_MS = 60_000;
const GRACE_MS = 10_000;
/** As many restarts as this within the window; one more end and the network stops. */
const RESTART_DELAYS_MS = [250, 500, 1_000, 2_000, 4_000];
/** Within the window. */
export const RESTARTS_MAX = RESTART_DELAYS_MS.length;
const RESTART_WINDOW_MS = 60_000;

interface Member {
  readonly plan: ProcessPlan;
  readonly log: ProcessLog;
  child: Child;
  /** Ready once: from then on its end is an accident that a restart may mend. */
  isServing: boolean;
  readonly restartsAtMs: number[];
  pendingRestart?: NodeJS.Timeout;
}

/**
 * Starts processes, starts again what crashes, stops them in reverse order of their groups. A process that ends by
 * itself with status 0 was asked to by somebody: it stays down until `restartStopped`.
 */
export class Supervisor {
  /** Settles when a process could not be kept running; never rejects. */
  readonly failed: Promise<StartError>;
  readonly #options: SupervisorOptions;
  readonly #groups: Member[][] = [];
  #fail: (error: StartError) => void = () => {};
  #isStopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.failed = new Promise((resolve) => {
      this.#fail = resolve;
    });
  }

  /**
   * Starts processes side by side and waits until each of them serves.
   *
   * @throws StartError when one ends before, or takes too long
   */
  async startGroup(plans: readonly ProcessPlan[]): Promise<void> {
    if (this.#isStopping) throw new StartError('The network is stopping.');
    const group = plans.map((plan) => this.#launch(plan));
    this.#groups.push(group);
    this.#changed();
    const ready = await Promise.all(group.map((member) => this.#becomesReady(member)));
    if (plans.length > 0 && !ready.includes(true))
      throw new StartError(`None of ${plans.map(({ title }) => title).join(', ')} is ready.`);
  }

  /**
   * Starts those of the plans that are not known yet, and waits until they serve: of an organisation that joined.
   *
   * @throws StartError when one ends before, or takes too long; nothing else ends for it
   */
  async startAdded(plans: readonly ProcessPlan[]): Promise<void> {
    // One that never served is no member: it is tried again.
    for (const group of this.#groups) {
      const members = group.filter(({ child, isServing }) => isServing || !child.hasEnded);
      group.splice(0, group.length, ...members);
    }
    const known = new Set(this.#members().map(({ plan }) => plan.name));
    const added = plans.filter(({ name }) => !known.has(name));
    if (added.length > 0) await this.startGroup(added);
  }

  /** Starts what was stopped by hand, and at once what waits to be started again. */
  restartStopped(): void {
    for (const member of this.#members()) {
      if (!member.isServing || !member.child.hasEnded) continue;
      clearTimeout(member.pendingRestart);
      this.#restart(member);
    }
  }

  /** The group that was started last stops first. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    for (const member of this.#members()) clearTimeout(member.pendingRestart);
    for (const group of this.#groups.toReversed()) {
      await Promise.all(group.map(({ child }) => child.stop(this.#options.graceMs ?? GRACE_MS)));
    }
    for (const { log } of this.#members()) log.close();
    this.#changed();
  }

  /** Ends all at once, without waiting for anything to be finished. */
  kill(): void {
    this.#isStopping = true;
    for (const { child } of this.#members()) child.kill();
  }

  async #becomesReady(member: Member): Promise<boolean> {
    const { child, plan } = member;
    try {
      await child.whenReady(this.#options.readyMs ?? READY_MS);
      for (const warning of child.warnings) this.#options.say(`${plan.title} warns: ${warning}`);
      return true;
    } catch (error) {
      if (!(error instanceof StartError) || plan.mayLag !== true || child.hasEnded) throw error;
      this.#options.say(error.message);
      return false;
    } finally {
      member.isServing = !child.hasEnded;
    }
  }

  #members(): Member[] {
    return this.#groups.flat();
  }

  #launch(plan: ProcessPlan): Member {
    const log = new ProcessLog(join(this.#options.logDir, `${plan.name}.log`));
    const child = new Child(plan, this.#options.preload, log);
    const member: Member = { plan, log, child, isServing: false, restartsAtMs: [] };
    this.#watch(member);
    return member;
  }

  #watch(member: Member): void {
    void member.child.ended.then((end) => {
      if (this.#isStopping || !member.isServing) return;
      this.#changed();
      this.#ended(member, end);
    });
  }

  #ended(member: Member, end: ChildEnd): void {
    const { title } = member.plan;
    if (end.status === 0) {
      this.#options.say(`${title} was stopped; it stays down until the next start or SIGUSR2`);
      return;
    }
    const delaysMs = this.#options.restartDelaysMs ?? RESTART_DELAYS_MS;
    const sinceMs = Date.now() - RESTART_WINDOW_MS;
    const recent = member.restartsAtMs.filter((atMs) => atMs > sinceMs).length;
    const delayMs = delaysMs[recent];
    if (delayMs === undefined) {
      this.#fail(
        new StartError(`${title} ended ${recent + 1} times within a minute; the reason is in ${member.log.path}.`),
      );
      return;
    }
    this.#options.say(`${title} ended (${howEnded(end)}); starting it again in ${delayMs} ms`);
    member.pendingRestart = setTimeout(() => this.#restart(member), delayMs);
  }

  #restart(member: Member): void {
    delete member.pendingRestart;
    if (this.#isStopping) return;
    member.restartsAtMs.push(Date.now());
    member.child = new Child(member.plan, this.#options.preload, member.log);
    this.#watch(member);
    this.#changed();
    void this.#tellWhenBack(member, member.child);
  }

  async #tellWhenBack(member: Member, child: Child): Promise<void> {
    const deadlineMs = this.#options.readyMs ?? READY_MS;
    try {
      await child.whenReady(deadlineMs);
      this.#options.say(`${member.plan.title} is back`);
    } catch (error) {
      if (!(error instanceof StartError)) throw error;
      // Its end is told by the watch; one that hangs is ended, so that it is.
      if (!child.hasEnded) child.kill();
    }
  }

  #changed(): void {
    const running = this.#members().flatMap(({ plan, child }) =>
      child.hasEnded || child.pid === undefined ? [] : [[plan.name, child.pid] as const],
    );
    this.#options.onChange?.(Object.fromEntries(running));
  }
}

function howEnded({ status, signal }: ChildEnd): string {
  if (signal !== null) return signal;
  return status === null ? 'could not be started' : `status ${status}`;
}
