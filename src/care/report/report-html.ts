import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import { pageStyle } from './page-style.ts';
import { sizeSpan } from './report-text.ts';
import { ageOf, proofSaid, rateSaid, shortTime, statusSaid } from './report-words.ts';
import type { Report, SourceReport } from './report.ts';
import { sparkPath, sparkPoints } from './spark.ts';

/** One page with everything in it: no script, nothing fetched, everything of foreign origin escaped. */
export function renderHtml(report: Report): string {
  const { instance, at, timezone, status, findings, sources } = report;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(`Backup report of ${instance}`)}</title>
<style>${pageStyle}</style>
</head>
<body>
<main>
<header>
<h1>${escape(`Backup report of ${instance}`)}</h1>
<p class="quiet">${escape(`${shortTime(at, report)} (${timezone})`)}</p>
</header>
<p class="status ${status}">${escape(statusSaid(report))}</p>
${findings.length > 0 ? findingList(report) : ''}
${sources.map((source) => sourceSection(source, report)).join('\n')}
${storageSection(report)}
${runSection(report)}
<footer class="quiet">Holdfast ${escape(report.version)}</footer>
</main>
</body>
</html>
`;
}

function findingList({ findings }: Report): string {
  const items = findings.map(
    ({ severity, code, message, meaning, hint }) => `<li class="${severity}">
<p><strong>${escape(sentence(message))}</strong> <code>${escape(code)}</code></p>
<p>${escape(meaning)}</p>
<p class="hint">${withCode(hint)}</p>
</li>`,
  );
  return `<ul class="findings">${items.join('\n')}</ul>`;
}

function sourceSection(source: SourceReport, report: Report): string {
  const { newest, nextDue, durations, sizes, copies, last30Days, damaged } = source;
  const late = nextDue !== null && nextDue < report.at;
  const rows: [string, string][] = [
    ['Next due', nextDue === null ? 'no schedule' : `${shortTime(nextDue, report)}${late ? ', overdue' : ''}`],
    ['Last 30 days', rateSaid(last30Days)],
    [
      'Takes',
      durations === null
        ? ''
        : `${formatDuration(durations.medianMs)} usually, ${formatDuration(durations.longestMs)} at most`,
    ],
    ['Verified', proofSaid(source.verified, report)],
    ['Drilled', proofSaid(source.drilled, report)],
    ...source.settings.map(({ name, value }): [string, string] => [sentence(name), value]),
  ];
  return `<section>
<h2>${escape(source.source)}</h2>
<p class="quiet">${escape(source.database)}</p>
<div class="figures">
<div><b>${newest ? escape(ageOf(newest.at, report)) : 'none'}</b><span>newest good backup</span></div>
<div><b>${newest ? formatBytes(newest.bytes) : '–'}</b><span>its size</span></div>
<div><b>${formatCount(source.backups)}</b><span>good ${source.backups === 1 ? 'backup' : 'backups'}${damaged > 0 ? `, ${damaged} damaged` : ''}</span></div>
<div><b>${formatBytes(source.bytes)}</b><span>in all copies</span></div>
</div>
${dayStrip(last30Days)}
${sizePicture(sizes, report)}
<table class="facts"><tbody>
${rows
  .filter(([, value]) => value !== '')
  .map(([name, value]) => `<tr><th scope="row">${escape(name)}</th><td>${escape(value)}</td></tr>`)
  .join('\n')}
</tbody></table>
${table(
  ['Storage', 'Backups', 'Size', 'Newest good'],
  copies.map(({ storage, backups, bytes, newest: id }) => [
    storage,
    formatCount(backups),
    formatBytes(bytes),
    id ?? 'none',
  ]),
)}
</section>`;
}

const picture = { width: 640, height: 80 };

/** A line through the sizes, and below it what it begins and ends with, for those who cannot see it. */
function sizePicture(sizes: SourceReport['sizes'], report: Report): string {
  const [first, last] = [sizes[0], sizes.at(-1)];
  if (sizes.length < 2 || !first || !last) return '';
  const bytes = sizes.map((size) => size.bytes);
  const points = sparkPoints(bytes, picture);
  const end = points.at(-1) ?? { x: 0, y: 0 };
  const line = sparkPath(points);
  const said = `Size of the last ${sizes.length} backups: ${sizeSpan(bytes)}`;
  return `<figure>
<svg viewBox="-6 -6 ${picture.width + 12} ${picture.height + 12}" role="img" aria-label="${escape(said)}">
<path class="area" d="${line}L${picture.width} ${picture.height}L0 ${picture.height}Z"/>
<path class="line" d="${line}"/>
<circle cx="${end.x}" cy="${end.y}" r="4"/>
</svg>
<figcaption><span>${escape(shortTime(first.at, report))}: ${formatBytes(first.bytes)}</span><span>${escape(said)}</span><span>${escape(shortTime(last.at, report))}: ${formatBytes(last.bytes)}</span></figcaption>
</figure>`;
}

function dayStrip({ days, runs }: SourceReport['last30Days']): string {
  if (runs === 0) return '';
  const cells = days.map(({ day, good, failed }) => {
    const kind = failed > 0 ? (good > 0 ? 'mixed' : 'bad') : good > 0 ? 'good' : 'none';
    const said = `${day}: ${good} good, ${failed} failed`;
    return `<li class="${kind}" title="${said}"><span>${said}</span></li>`;
  });
  return `<p class="quiet">Backups of the last ${days.length} days</p>
<ol class="days">${cells.join('')}</ol>`;
}

function storageSection({ storages, total }: Report): string {
  const rows = storages.map(({ storage, title, answers, backups, bytes, free, total: room }) => [
    storage,
    answers ? title : `${title} (does not answer; last seen)`,
    formatCount(backups),
    formatBytes(bytes),
    free === null || room === null ? 'not known' : `${formatBytes(free)} of ${formatBytes(room)}`,
  ]);
  return `<section>
<h2>Storages</h2>
${table(['Storage', 'Where', 'Backups', 'Size', 'Free'], rows)}
<p class="quiet">${formatCount(total.backups, 'good backup')}, ${formatBytes(total.bytes)} in all (${formatCount(total.bytes, 'byte')})</p>
</section>`;
}

function runSection(report: Report): string {
  if (report.runs.length === 0) return '';
  const rows = report.runs.map(({ id, operation, source, state, startedAt, error }) => [
    shortTime(startedAt, report),
    `${operation}${source === null ? '' : ` of ${source}`}`,
    error === null ? state : `${state}: ${error.message} (${error.code})`,
    id,
  ]);
  return `<section>
<h2>Last runs</h2>
${table(['Begun', 'What', 'How it ended', 'Run'], rows)}
</section>`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[], tag: string) =>
    `<tr>${cells.map((cell) => `<${tag}>${escape(cell)}</${tag.split(' ')[0]}>`).join('')}</tr>`;
  return `<div class="wide"><table><thead>${line(heads, 'th scope="col"')}</thead>
<tbody>${rows.map((row) => line(row, 'td')).join('\n')}</tbody></table></div>`;
}

function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** What stands between backticks is to be typed. */
function withCode(text: string): string {
  return escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function escape(text: string): string {
  return text
    .replaceAll(/[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu, ' ')
    .replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}
