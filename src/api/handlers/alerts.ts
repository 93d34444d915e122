import { findingKey, type Finding } from '../../care/alerts/finding.ts';
import { incidentFacts } from '../../care/alerts/incident-kinds.ts';
import { renderHtml } from '../../care/report/report-html.ts';
import { renderText } from '../../care/report/report-text.ts';
import { makeReport } from '../../care/report/report.ts';
import type { Message } from '../../notify/channel.ts';
import type { Handlers } from '../register.ts';
import { findingsFor, sourceFor, sourcesFor, type ApiParts } from './parts.ts';

/** The page brings its style and nothing that runs. */
const pagePolicy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

export function alertHandlers(parts: ApiParts): Pick<Handlers, 'alerts' | 'testAlerts' | 'report'> {
  const { house } = parts;
  return {
    alerts: async (call) => {
      const sources = await sourcesFor(parts, call);
      const names = new Set(sources.map(({ name }) => name));
      const all = names.size === (await house.findSources(call.signal)).length;
      const { channels, incidents, undelivered } = house.alerts.overview();
      const mayHear = (source: string | null) => all || (source !== null && names.has(source));
      const { findings = [] } = (house.catalog.marks.get('check')?.detail ?? {}) as { findings?: Finding[] };
      const found = new Set(findingsFor(call, sources, findings).map(findingKey));
      return {
        channels: channels.flatMap((channel) => {
          const about = channel.sources?.filter(mayHear) ?? null;
          return about?.length === 0 ? [] : [{ ...channel, sources: about }];
        }),
        // What concerns all is told of in the words of the last check; a run over all may name each of them.
        incidents: incidents
          .filter(({ key, source }) => mayHear(source) || found.has(key))
          .map((incident) => ({ ...incident, ...incidentFacts(incident.key) })),
        // One about several may name them.
        undelivered: undelivered
          .filter(({ message }) => mayHear((message as Message).source))
          .map(({ id, channel, createdAt, attempts, nextAt, state, lastError }) => ({
            id,
            channel,
            createdAt,
            attempts,
            nextAt,
            state,
            lastError,
          })),
      };
    },
    testAlerts: (call) => house.alerts.test({ channel: call.body.channel, signal: call.signal }),
    report: async (call) => {
      const { source, as } = call.query;
      const mine = await sourcesFor(parts, call);
      const all = mine.length === (await house.findSources(call.signal)).length;
      const only = source === undefined && all ? undefined : await sourceFor(parts, call, source, 'read');
      const report = await makeReport(house, call.signal, only);
      if (as === 'html') {
        void call.reply
          .header('content-security-policy', pagePolicy)
          .type('text/html; charset=utf-8')
          .send(renderHtml(report));
      } else if (as === 'text') {
        void call.reply.type('text/plain; charset=utf-8').send(renderText(report));
      } else void call.reply.send(report);
    },
  };
}
