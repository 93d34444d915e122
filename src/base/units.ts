const durationUnits: Record<string, number> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** `10s`, `30m`, `24h`, `7d`, also `1h30m`; milliseconds, or null when it is not a duration. */
export function parseDuration(text: string): number | null {
  const compact = text.trim().toLowerCase();
  if (!/^(\d+(\.\d+)?(ms|s|m|h|d|w))+$/.test(compact)) return null;
  let total = 0;
  for (const [, amount, unit] of compact.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d|w)/g)) {
    total += Number(amount) * (durationUnits[unit as string] as number);
  }
  return Number.isSafeInteger(Math.round(total)) ? Math.round(total) : null;
}

const sizeUnits: Record<string, number> = { '': 1, b: 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `500`, `10mb`, `10 GiB`; bytes (powers of 1024, as the tools around databases count), or null. */
export function parseSize(text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*(b|[kmgt]i?b?)?$/i.exec(text.trim());
  if (!match) return null;
  const unit = (match[2] ?? '').toLowerCase().charAt(0);
  const bytes = Math.round(Number(match[1]) * (sizeUnits[unit] ?? Number.NaN));
  return Number.isSafeInteger(bytes) ? bytes : null;
}

/** `999 B`, `1.5 MB`, `12 GB`: three digits at most, for people. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'KB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (Math.round(value) >= 1000 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${Number(value.toFixed(digits))} ${units[unit]}`;
}

/** `0.4 s`, `12.3 s`, `4 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function formatDuration(ms: number): string {
  if (ms < 99_950) return `${(ms / 1000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${pad(seconds % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${pad(minutes % 60)} min`;
  const hours = Math.round(minutes / 60);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** `30s`, `90m`, `24h`, `7d`: what was configured, as people write it there. */
export function formatSetting(ms: number): string {
  const days = ms > 24 * 3_600_000 ? [['d', 86_400_000] as const] : [];
  const units = [...days, ['h', 3_600_000], ['m', 60_000], ['s', 1000]] as const;
  const found = ms === 0 ? (['s', 1000] as const) : units.find(([, size]) => ms % size === 0);
  return found ? `${ms / found[1]}${found[0]}` : `${Math.round(ms)}ms`;
}

/** `1,234`, or of something: `1 table`, `1,234 tables`. */
export function formatCount(count: number, one?: string): string {
  // What the language's own formatting needs is loaded at its first use, which takes as long as starting half of the program.
  const number = String(count).replaceAll(/\B(?=(?:\d{3})+$)/g, ',');
  return one === undefined ? number : `${number} ${one}${count === 1 ? '' : 's'}`;
}

function pad(value: number): string {
  return String(value).padStart(2, '0');
}
