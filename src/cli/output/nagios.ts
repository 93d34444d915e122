import { formatCount } from '../../base/units.ts';
import { goodBackups, type Facts } from '../../care/monitor/facts.ts';
import type { MonitorResult } from '../../care/monitor/monitor.ts';
import { printable } from './text.ts';
import { formatAge } from './time.ts';

/** More of it than a monitoring system takes is of no use. */
const mostMeasured = 40;

/** `WARNING - what is worst (and 2 more) | performance data`, as the guidelines for plugins of Nagios have it. */
export function summaryLine({ status, findings, facts }: MonitorResult): string {
  const [worst, ...others] = findings;
  const said = worst
    ? `${printable(worst.message)}${others.length > 0 ? ` (and ${formatCount(others.length)} more)` : ''}`
    : allIsWell(facts);
  const measured = measures(facts).slice(0, mostMeasured).join(' ');
  return `${status.toUpperCase()} - ${said.replaceAll('|', '¦')}${measured === '' ? '' : ` | ${measured}`}`;
}

function allIsWell({ sources, storages, now }: Facts): string {
  const newest = sources.flatMap((source) =>
    goodBackups(source, now)
      .slice(-1)
      .map(({ at }) => ({ at, source: source.name })),
  );
  const oldest = newest.toSorted((a, b) => a.at.getTime() - b.at.getTime())[0];
  const backups = sources.reduce((sum, source) => sum + goodBackups(source, now).length, 0);
  const where = `${formatCount(backups, 'good backup')} of ${formatCount(sources.length, 'source')} in ${formatCount(storages.length, 'storage')}`;
  if (!oldest) return where;
  const age = formatAge(oldest.at, now);
  return `${where}, ${newest.length > 1 ? `the newest of ${oldest.source} from ${age}, of the others later` : `the newest from ${age}`}`;
}

/** `'label'=value[unit];warn;crit;min;max` */
function measures({ sources, storages, now }: Facts): string[] {
  return [
    ...sources.flatMap((source) => {
      const good = goodBackups(source, now);
      const newest = good.at(-1);
      const count = `'${source.name} backups'=${good.length};${source.settings.minBackups}:;1:;0`;
      if (!newest) return [count];
      const age = Math.max(0, Math.round((now.getTime() - newest.at.getTime()) / 1000));
      const { maxSize } = source.settings;
      return [`'${source.name} age'=${age}s;;;0`, `'${source.name} size'=${newest.bytes}B;${maxSize ?? ''};;0`, count];
    }),
    ...storages.flatMap(({ name, free }) => (free ? [`'${name} free'=${free.bytes}B;;;0;${free.total}`] : [])),
  ];
}
