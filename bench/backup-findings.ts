import { ratioOf, type Contender, type Taken } from './rounds.ts';
import { median } from './measure.ts';
import type { Finding } from './report.ts';

export interface BackupBounds {
  directory: number;
  custom: number;
}

/** In proportion to `pg_dump -Fc -Z0 >/dev/null`, which moves everything and keeps nothing. */
export function backupBounds(zstd: boolean): BackupBounds {
  return zstd ? { directory: 0.85, custom: 1.15 } : { directory: 1.1, custom: 1.45 };
}

const names: Record<Contender, string> = {
  limit: 'pg_dump -Fc -Z0 >/dev/null (the limit)',
  gzip: 'pg_dump | gzip',
  'pg_dump -Fc': 'pg_dump -Fc (gzip)',
  'zstd:5': 'pg_dump -Fc --compress=zstd:5',
  directory: 'holdfast backup, directory, until sealed',
  custom: 'holdfast backup, custom, until sealed',
};

export function backupFindings(
  title: string,
  results: ReadonlyMap<Contender, Taken[]>,
  bounds: BackupBounds,
): Finding[] {
  const group = `backup, ${title}`;
  const seconds = (who: Contender) => median((results.get(who) ?? []).map((taken) => taken.seconds));
  const limit = seconds('limit');
  const pairs = [...results].map(([who, taken]): Finding => {
    const bytes = taken[0]?.bytes;
    const common = { group, name: names[who], seconds: seconds(who), ...(bytes === undefined ? {} : { bytes }) };
    if (who === 'limit') return common;
    if (who !== 'directory' && who !== 'custom')
      return { ...common, measured: `${(seconds(who) / limit).toFixed(2)} x limit` };
    const ratio = ratioOf(taken);
    return {
      ...common,
      measured: `${ratio.toFixed(2)} x limit`,
      bound: `<= ${bounds[who].toFixed(2)} x limit`,
      ok: ratio <= bounds[who],
    };
  });
  return [
    ...pairs,
    ...(['directory', 'custom'] as const).flatMap((who) => apartFindings(group, who, results, seconds('gzip'))),
  ];
}

function apartFindings(
  group: string,
  who: 'directory' | 'custom',
  results: ReadonlyMap<Contender, Taken[]>,
  gzip: number,
): Finding[] {
  const taken = results.get(who) ?? [];
  const ratio = median(taken.map(({ seconds }) => seconds)) / gzip;
  return [
    {
      group,
      name: `${who} beside pg_dump | gzip`,
      measured: `${ratio.toFixed(2)} x`,
      bound: '<= 0.50 x',
      ok: ratio <= 0.5,
    },
    { group, name: `${who}: reading it back, apart`, seconds: median(taken.map(({ apart = 0 }) => apart)) },
    memoryFinding(group, `${who}: own memory`, taken),
  ];
}

export function memoryFinding(group: string, name: string, taken: readonly Taken[], most = 200): Finding {
  const peaks = taken.map(({ peakBytes }) => peakBytes).filter((bytes) => bytes !== null);
  if (peaks.length === 0) return { group, name, measured: 'not told by this system' };
  const peak = Math.max(...peaks) / 1024 ** 2;
  return { group, name, measured: `${peak.toFixed(0)} MB at most`, bound: `<= ${most} MB`, ok: peak <= most };
}
