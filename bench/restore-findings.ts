import { memoryFinding } from './backup-findings.ts';
import type { Restorer, Taken } from './rounds.ts';
import { median } from './measure.ts';
import type { Finding } from './report.ts';

const bound = 1.1;

export function restoreFindings(title: string, results: ReadonlyMap<Restorer, Taken[]>): Finding[] {
  const group = `restore, ${title}`;
  const seconds = (who: Restorer) => median((results.get(who) ?? []).map((taken) => taken.seconds));
  return (['directory', 'custom'] as const).flatMap((format) => {
    const taken = results.get(format) ?? [];
    const ratio = seconds(format) / seconds(`pg_restore ${format}`);
    return [
      {
        group,
        name: format === 'directory' ? 'pg_restore -j2, the same files' : 'pg_restore, the same file',
        seconds: seconds(`pg_restore ${format}`),
      },
      {
        group,
        name: `holdfast restore, ${format}: loading`,
        seconds: seconds(format),
        measured: `${ratio.toFixed(2)} x pg_restore`,
        bound: `<= ${bound.toFixed(2)} x pg_restore`,
        ok: ratio <= bound,
      },
      {
        group,
        name: `${format}: checking, comparing, ANALYZE, apart`,
        seconds: median(taken.map(({ apart = 0 }) => apart)),
      },
      memoryFinding(group, `${format}: own memory`, taken),
    ];
  });
}
