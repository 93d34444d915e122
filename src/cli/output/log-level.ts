import { atLeast, type Logger, type LogLevel } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import { wrongUsage } from '../usage-error.ts';
import type { Screen } from './screen.ts';
import type { Style } from './style.ts';
import { hanging, printable } from './text.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** `--debug` shows everything; otherwise HOLDFAST_LOG_LEVEL decides, and without it only warnings and errors are shown. */
export function logLevel(debug: boolean, env: Readonly<Record<string, string | undefined>>): LogLevel {
  if (debug) return 'debug';
  const wanted = env['HOLDFAST_LOG_LEVEL'];
  if (!wanted) return 'warn';
  const known = levels.find((level) => level === wanted.toLowerCase());
  if (known) return known;
  throw wrongUsage(
    `HOLDFAST_LOG_LEVEL is ${JSON.stringify(wanted)}, which is not a level`,
    `Set it to one of: ${levels.join(', ')}.`,
  );
}

/** The recipes' log on the terminal. */
export function screenLogger(
  { screen, columns }: { screen: Screen; columns: () => number },
  style: Style,
  minimum: LogLevel,
): Logger {
  return atLeast(minimum, {
    log: (level, message, fields) => {
      const facts = fields && Object.keys(fields).length > 0 ? ` ${style.dim(JSON.stringify(fields))}` : '';
      const text = `${printable(withoutSecrets(message))}${withoutSecrets(facts)}`;
      for (const line of hanging(`${label(level, style)} `, text, columns())) screen.line(line);
    },
  });
}

function label(level: LogLevel, style: Style): string {
  if (level === 'error') return style.bad('error:');
  if (level === 'warn') return style.warn('warning:');
  return style.dim(`${level}:`);
}
