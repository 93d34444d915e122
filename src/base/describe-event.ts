import type { LogLevel } from './logger.ts';
import type { RunEvent } from './progress.ts';
import { formatDuration } from './units.ts';

/** Progress inside a step is for those who watch; the log keeps what happened. */
export function describeEvent(event: RunEvent): { level: LogLevel; message: string } | null {
  switch (event.kind) {
    case 'step':
      return { level: 'info', message: event.detail === undefined ? event.step : `${event.step}: ${event.detail}` };
    case 'done':
      return {
        level: 'info',
        message: `${event.step} done in ${formatDuration(event.ms)}${event.detail === undefined ? '' : `: ${event.detail}`}`,
      };
    case 'output':
      return { level: 'info', message: `${event.step}: ${event.line}` };
    case 'warning':
      return { level: 'warn', message: event.message };
    case 'progress':
      return null;
  }
}
