import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import { ageOf, proofSaid, rateSaid, shortTime, statusSaid } from './report-words.ts';
import type { Report, RunReport, SourceReport, StorageReport } from './report.ts';
import { sparkText } from './spark.ts';

/** For a terminal, a mail or a file; lines without any markup. */
export function renderText(report: Report): string {
  const { instance, at, timezone, findings, sources, storages, total, runs } = report;
  return [
    `Backup report of ${instance}`,
    `${shortTime(at, report)} (${timezone})`,
    '',
    statusSaid(report),
    ...findings.flatMap(({ severity, code, message, meaning, hint }) => [
      `  ${severity === 'critical' ? '✗' : '!'} ${message} (${code})`,
      `    ${meaning}`,
      `    hint: ${hint}`,
    ]),
    ...sources.flatMap((source) => ['', ...sourceLines(source, report)]),
    '',
    'Storages',
    ...storages.flatMap((storage) => storageLines(storage)),
    `  in all: ${formatCount(total.backups, 'good backup')}, ${formatBytes(total.bytes)} (${formatCount(total.bytes, 'byte')})`,
    ...(runs.length === 0 ? [] : ['', 'Last runs', ...runs.map((run) => runLine(run, report))]),
    '',
  ]
    .map(printable)
    .join('\n');
}

function sourceLines(source: SourceReport, report: Report): string[] {
  const { newest, nextDue, durations, sizes, verified, drilled, copies, last30Days, damaged } = source;
  const late = nextDue !== null && nextDue < report.at;
  const facts: [string, string | null][] = [
    [
      'newest good',
      newest &&
        `${shortTime(newest.at, report)}, ${ageOf(newest.at, report)}: ${newest.id}, ${formatBytes(newest.bytes)} in ${formatDuration(newest.durationMs)}`,
    ],
    ['newest good', newest ? null : 'none'],
    ['next due', nextDue && `${shortTime(nextDue, report)}${late ? ', overdue' : ''}`],
    ['last 30 days', rateSaid(last30Days)],
    [
      'took',
      durations && `${formatDuration(durations.medianMs)} usually, ${formatDuration(durations.longestMs)} at most`,
    ],
    [
      'size',
      sizes.length > 1
        ? `${sparkText(sizes.map(({ bytes }) => bytes))}  ${sizeSpan(sizes.map(({ bytes }) => bytes))}`
        : null,
    ],
    ['verified', proofSaid(verified, report)],
    ['drilled', proofSaid(drilled, report)],
    [
      'backups',
      `${formatCount(source.backups, 'good one')}${damaged > 0 ? `, ${damaged} damaged` : ''}; ${formatBytes(source.bytes)} in all`,
    ],
    ...copies.map(({ storage, backups, bytes, newest: id }): [string, string] => [
      `  in ${storage}`,
      `${formatCount(backups, 'backup')}, ${formatBytes(bytes)}, newest good ${id ?? 'none'}`,
    ]),
    ...source.settings.map(({ name, value }): [string, string] => [name, value]),
  ];
  const shown = facts.filter((fact): fact is [string, string] => fact[1] !== null);
  const width = Math.max(...shown.map(([name]) => name.length));
  return [`${source.source}: ${source.database}`, ...shown.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`)];
}

export function sizeSpan(bytes: readonly number[]): string {
  const [least, most] = [formatBytes(Math.min(...bytes)), formatBytes(Math.max(...bytes))];
  return least === most ? most : `${least} to ${most}`;
}

function storageLines({ storage, title, answers, backups, bytes, free, total }: StorageReport): string[] {
  const room = free === null || total === null ? '' : `; ${formatBytes(free)} of ${formatBytes(total)} free`;
  return [
    `  ${storage}: ${title}`,
    `    ${answers ? '' : 'does not answer; last seen: '}${formatCount(backups, 'backup')}, ${formatBytes(bytes)}${room}`,
  ];
}

function runLine({ id, operation, source, state, startedAt, error }: RunReport, report: Report): string {
  const why = error === null ? '' : `: ${error.message} (${error.code})`;
  return `  ${shortTime(startedAt, report)}  ${operation}${source === null ? '' : ` of ${source}`} ${state}${why}  ${id}`;
}

/** Names and messages of foreign origin must not move a cursor. */
function printable(line: string): string {
  return line.replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, ' ');
}
