/** A time as a name tells it. */
export interface Stamp {
  /** `2026-01-29T14:30:22` */
  wall: string;
  /** `local`: the time zone of the machine that wrote it, which the name does not tell. */
  zone: 'utc' | 'local';
}

export interface ForeignTime {
  at: Date;
  from: 'name' | 'metadata' | 'file';
  /** The zone it was read in; null for the time of a file, which has none. */
  zone: string | null;
}

/**
 * The moment of a stamp. Of a wall clock's time that came twice (the hour that repeats in autumn), the one nearer to the file's own
 * time; one that never came is taken as if the clock had not been changed yet.
 */
export function timeOf(
  stamp: Stamp | null,
  from: 'name' | 'metadata',
  { modifiedAt, timezone }: { modifiedAt: Date; timezone: string },
): ForeignTime {
  if (stamp === null) return { at: modifiedAt, from: 'file', zone: null };
  const asUtc = new Date(`${stamp.wall}Z`);
  if (stamp.zone === 'utc') return { at: asUtc, from, zone: 'UTC' };
  const day = 86_400_000;
  const candidates = [-day, day]
    .map((aside) => offsetOf(new Date(asUtc.getTime() + aside), timezone))
    .map((offset) => new Date(asUtc.getTime() - offset));
  const real = candidates.filter((at) => at.getTime() + offsetOf(at, timezone) === asUtc.getTime());
  const distance = (at: Date) => Math.abs(at.getTime() - modifiedAt.getTime());
  const [nearest] = real.toSorted((left, right) => distance(left) - distance(right));
  return { at: nearest ?? candidates[0] ?? asUtc, from, zone: timezone };
}

/** What the zone's clocks are ahead of UTC at a moment, in milliseconds. */
function offsetOf(at: Date, timezone: string): number {
  const part = new Map<string, number>(
    new Intl.DateTimeFormat('en-GB', {
      timeZone: timezone,
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
      hourCycle: 'h23',
    })
      .formatToParts(at)
      .map(({ type, value }) => [type, Number(value)] as const),
  );
  const get = (type: string) => part.get(type) ?? 0;
  const wall = Date.UTC(get('year'), get('month') - 1, get('day'), get('hour'), get('minute'), get('second'));
  return wall - Math.floor(at.getTime() / 1000) * 1000;
}
