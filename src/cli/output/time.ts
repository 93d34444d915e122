import { formatDuration } from '../../base/units.ts';
import type { Io } from '../command.ts';

/** `2026-11-20 06:15` in the configured time zone. */
export function formatTime(at: Date | string, timezone: string): string {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return String(at);
  const part = new Map(
    formatter(timezone)
      .formatToParts(date)
      .map(({ type, value }) => [type, value]),
  );
  return `${part.get('year')}-${part.get('month')}-${part.get('day')} ${part.get('hour')}:${part.get('minute')}`;
}

/** `just now`, `5 min ago`, `3 h ago`, `12 d ago`; a time ahead of the clock says so. */
export function formatAge(at: Date | string, now: Date): string {
  const ms = now.getTime() - new Date(at).getTime();
  if (ms < -60_000) return `${formatDuration(-ms)} ahead`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ago` : `${Math.floor(hours / 24)} d ago`;
}

/** For a column: the time, or where a terminal is narrow only how long ago it was. */
export function formatMoment(
  io: Pick<Io, 'terminal' | 'columns'>,
  at: string,
  { timezone, now }: { timezone: string; now: Date },
): string {
  return io.terminal && io.columns < 100 ? formatAge(at, now) : formatTime(at, timezone);
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** Building one costs far more than using it. */
function formatter(timezone: string): Intl.DateTimeFormat {
  const known = formatters.get(timezone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-GB', {
    timeZone: timezone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  formatters.set(timezone, made);
  return made;
}
