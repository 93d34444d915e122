/** Powers of 1024, three digits at most, as the command line shows them. */
export function formatBytes(bytes: number, language: string): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toLocaleString(language, { maximumFractionDigits: digits })}\u00A0${units[unit]}`;
}

export function formatNumber(value: number, language: string): string {
  return value.toLocaleString(language);
}

/** `0.4 s`, `4 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatSeconds(seconds: number, language: string): string {
  if (seconds < 99.95) {
    const digits = seconds < 10 ? 1 : 0;
    return `${seconds.toLocaleString(language, { maximumFractionDigits: digits })}\u00A0s`;
  }
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)}\u00A0min ${pad(whole % 60)}\u00A0s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)}\u00A0h ${pad(minutes % 60)}\u00A0min`;
  const hours = Math.round(minutes / 60);
  const day = language === 'de' ? 'T' : 'd';
  return `${Math.floor(hours / 24)}\u00A0${day} ${hours % 24}\u00A0h`;
}

const steps = [
  { unit: 'year', seconds: 31_557_600 },
  { unit: 'month', seconds: 2_629_800 },
  { unit: 'week', seconds: 604_800 },
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3_600 },
  { unit: 'minute', seconds: 60 },
] as const;

/** `3 hours ago`, `in 2 days`, `now`; in a unit of which there are at least two, because "1 day" may be nearly two. */
export function formatAgo(at: Date, now: Date, language: string): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat(language, { numeric: 'auto' });
  const size = Math.abs(seconds);
  const step = steps.find((each) => size >= each.seconds * 2) ?? (size >= 60 ? steps.at(-1) : undefined);
  return step ? words.format(Math.trunc(seconds / step.seconds), step.unit) : words.format(0, 'second');
}

/** Where the installation is, not where the browser happens to be. */
export function formatExact(at: Date, timezone: string, language: string): string {
  const format = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'medium', timeZone: timezone });
  return `${format.format(at)} (${timezone})`;
}

/** Short enough for a table. */
export function formatShort(at: Date, timezone: string, language: string): string {
  const options: Intl.DateTimeFormatOptions = { dateStyle: 'medium', timeStyle: 'short', timeZone: timezone };
  return new Intl.DateTimeFormat(language, options).format(at);
}

/** Seconds that are left at this rate, or null where nobody can know. */
export function timeLeft({
  bytes,
  total,
  rate,
}: {
  bytes: number;
  total: number | null;
  rate: number | null;
}): number | null {
  return total === null || rate === null || rate <= 0 ? null : Math.max(0, (total - bytes) / rate);
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
