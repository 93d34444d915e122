import type { Alerts } from '../alerts/alerts.ts';
import type { Source } from '../source.ts';
import { reportMessage } from './report-message.ts';
import { makeReport, type Report, type ReportedHouse } from './report.ts';

export interface SendingHouse extends ReportedHouse {
  readonly alerts: Pick<Alerts, 'report' | 'problems' | 'send'>;
  /** Where the console is, for whoever reads it. */
  readonly publicUrl?: string | null;
}

/** Makes a report and queues it for all channels. For the daemon's plan and for `report --send`. */
export async function sendReport(house: SendingHouse, signal: AbortSignal, only?: Source): Promise<Report> {
  const report = await makeReport(house, signal, only);
  house.alerts.send(reportMessage(report, house.publicUrl ?? null));
  const at = house.clock.now().toISOString();
  house.catalog.marks.put({ name: 'report', lastAttempt: at, lastGood: at, detail: { status: report.status } });
  return report;
}
