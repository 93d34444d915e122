import type { Sample } from './measure.ts';
import { metrics, type Metric, type MetricName } from './names.ts';

/** The text format of Prometheus, which every version of it reads. */
export const metricsType = 'text/plain; version=0.0.4; charset=utf-8';

export function renderMetrics(samples: readonly Sample[]): string {
  const lines = new Map<MetricName, string[]>();
  for (const { name, labels, value } of samples) {
    const own = lines.get(name) ?? head(name);
    lines.set(name, own);
    own.push(`${name}${renderLabels(labels)} ${value}`);
  }
  // What belongs to one name must stand together, in the order of the manual.
  const ordered = (Object.keys(metrics) as MetricName[]).flatMap((name) => lines.get(name) ?? []);
  return `${ordered.join('\n')}\n`;
}

function head(name: MetricName): string[] {
  const { kind, help }: Metric = metrics[name];
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${kind}`];
}

function renderLabels(labels: Sample['labels']): string {
  let text = '';
  // Twenty thousand times in a large installation, so without lists on the way.
  for (const label in labels) text += `${text === '' ? '{' : ','}${label}="${escapeValue(labels[label] ?? '')}"`;
  return text === '' ? '' : `${text}}`;
}

function escapeValue(value: string): string {
  if (!/[\\"\n]/.test(value)) return value;
  return value
    .replaceAll('\\', String.raw`\\`)
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`);
}
