export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** One line per step of a recipe, in the words of the documentation; `fields` are facts for machines. */
export interface Logger {
  log(level: LogLevel, message: string, fields?: Record<string, unknown>): void;
}

export const silentLogger: Logger = { log: () => undefined };

const order: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export function atLeast(minimum: LogLevel, target: Logger): Logger {
  return {
    log: (level, message, fields) => {
      if (order.indexOf(level) >= order.indexOf(minimum)) target.log(level, message, fields);
    },
  };
}
