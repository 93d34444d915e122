import type { Clock } from '../../base/clock.ts';
import { atLeast, type Logger, type LogLevel } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import { olderLogFormat, olderLogLevel } from '../../config/presets/log-level.ts';
import { wrongUsage } from '../usage-error.ts';
import { cleaned } from './json-log.ts';
import type { Screen } from './screen.ts';
import type { Style } from './style.ts';
import { hanging, printable } from './text.ts';

const levels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** `--debug` shows everything; otherwise HOLDFAST_LOG_LEVEL decides. */
export function logLevel(
  debug: boolean,
  env: Readonly<Record<string, string | undefined>>,
  otherwise: LogLevel = 'warn',
): LogLevel {
  if (debug) return 'debug';
  const own = env['HOLDFAST_LOG_LEVEL'];
  const older = own ? null : olderLogLevel(env);
  const wanted = own || older?.level;
  if (!wanted) return otherwise;
  const known = levels.find((level) => level === wanted.toLowerCase());
  if (known) return known;
  throw wrongUsage(
    `${older?.name ?? 'HOLDFAST_LOG_LEVEL'} is ${JSON.stringify(wanted)}, which is not a level`,
    `Set it to one of: ${levels.join(', ')}.`,
  );
}

/** Asked before anything else happens, so that every line has it. */
export function wantsJsonLog(env: Readonly<Record<string, string | undefined>>): boolean {
  return (env['HOLDFAST_LOG_FORMAT'] || olderLogFormat(env)) === 'json';
}

/** What was passed over then is told here. */
export function assertLogFormat(env: Readonly<Record<string, string | undefined>>): void {
  const wanted = env['HOLDFAST_LOG_FORMAT'];
  if (!wanted || wanted === 'text' || wanted === 'json') return;
  throw wrongUsage(
    `HOLDFAST_LOG_FORMAT is ${JSON.stringify(wanted)}, which is not a format`,
    'Set it to text or json.',
  );
}

/** The recipes' log on the terminal; with a clock, each line says when. */
export function screenLogger(
  { screen, columns, clock }: { screen: Screen; columns: () => number; clock?: Clock | undefined },
  style: Style,
  minimum: LogLevel,
): Logger {
  return atLeast(minimum, {
    log: (level, message, fields) => {
      // Lines of months are read by people; what machines want beside them is in HOLDFAST_LOG_FORMAT=json.
      const wanted = fields && (!clock || minimum === 'debug');
      const facts = wanted && Object.keys(fields).length > 0 ? ` ${style.dim(JSON.stringify(fields, cleaned))}` : '';
      const text = `${printable(withoutSecrets(message))}${facts}`;
      const at = clock ? style.dim(`${clock.now().toISOString().slice(0, 19)}Z `) : '';
      for (const line of hanging(`${at}${label(level, style)} `, text, columns())) screen.line(line);
      if (wanted || typeof fields?.['hint'] !== 'string') return;
      const hint = printable(withoutSecrets(fields['hint']));
      for (const line of hanging(`${at}${style.accent('hint:')} `, hint, columns())) screen.line(line);
    },
  });
}

function label(level: LogLevel, style: Style): string {
  if (level === 'error') return style.bad('error:');
  if (level === 'warn') return style.warn('warning:');
  return style.dim(`${level}:`);
}
