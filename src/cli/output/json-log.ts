import type { Writable } from 'node:stream';
import { stripVTControlCharacters } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Screen } from './screen.ts';

/** One JSON object a line: when, how bad, what, and the facts beside it. For collectors of logs. */
export function jsonLogger(output: Writable, clock: Clock): Logger {
  return {
    log: (level, message, fields = {}) => {
      const line = { at: clock.now().toISOString(), level, message };
      output.write(`${JSON.stringify({ ...line, ...fields, ...line }, cleaned)}\n`);
    },
  };
}

/** What commands say to people becomes lines of the same kind, so that nothing else is ever on the error output. */
export function jsonScreen(logger: Logger): Screen {
  return {
    line: (text) => {
      const message = stripVTControlCharacters(text).trim();
      if (message !== '') logger.log('info', message);
    },
    live: () => undefined,
  };
}

/** String by string: in the finished JSON a secret with a quote in it would not be found. */
export function cleaned(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? withoutSecrets(value) : value;
}
