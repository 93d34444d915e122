import { randomUUID } from 'node:crypto';
import { formatBytes, formatCount } from '../../base/units.ts';
import type { Message } from '../../notify/channel.ts';
import { renderHtml } from './report-html.ts';
import { renderText } from './report-text.ts';
import { ageOf, statusSaid } from './report-words.ts';
import type { Report } from './report.ts';

/** A report as a message for all channels: the page where a channel takes pages, otherwise what matters most of it. */
export function reportMessage(report: Report, link: string | null = null): Message {
  const { instance, at, status, findings, sources, total } = report;
  return {
    id: randomUUID(),
    at,
    instance,
    kind: 'report',
    severity: status === 'ok' ? 'info' : status,
    source: null,
    title: `backup report of ${instance}: ${statusSaid(report)}`,
    what: `${formatCount(total.backups, 'good backup')} of ${formatCount(sources.length, 'source')}, ${formatBytes(total.bytes)} in all copies.`,
    meaning: null,
    todo: findings.slice(0, 10).map(({ message, hint }) => `${message}: ${hint}`),
    facts: sources.slice(0, 20).map(({ source, newest, backups }) => ({
      name: source,
      value:
        newest === null
          ? 'no good backup'
          : `newest ${ageOf(newest.at, report)}, ${formatBytes(newest.bytes)}; ${formatCount(backups, 'good one')}`,
    })),
    errors: findings.filter(({ severity }) => severity === 'critical').map(({ message }) => message),
    run: null,
    link,
    page: { text: renderText(report), html: renderHtml(report) },
  };
}
