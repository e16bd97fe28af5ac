import { Logger } from 'winston';

/**
 * The shim writes some thirty debug lines for each transaction, and winston formats every line, time and colours
 * included, before its transports drop those that are below the level: a quarter of the chaincode's CPU. Here a line
 * that no transport would write is dropped before it is formatted. What is written stays as it was. Call once, when the
 * process starts.
 */
export function skipUnloggedLines(): void {
  const write = Logger.prototype.write;
  Logger.prototype.write = function (this: Logger, line: LogLine, ...rest: readonly unknown[]): boolean {
    // Loggers pass the line alone; whoever passes a callback as well waits for it.
    if (rest.length === 0 && line.level !== undefined && !this.isLevelEnabled(line.level)) return true;
    return Reflect.apply(write, this, [line, ...rest]);
  };
}

interface LogLine {
  readonly level?: string;
}
