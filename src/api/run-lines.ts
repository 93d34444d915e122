import type { Logger } from '../base/logger.ts';
import type { RunName } from '../base/progress.ts';
import { formatBytes, formatDuration } from '../base/units.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';

/** As the log has runs that began by schedule. */
export function sayBegin(run: RunName, asker: string, logger: Logger): void {
  logger.log('info', `${nameOf(run)} begins, asked for by ${asker}`, factsOf(run));
}

export function sayEnd(id: string, { catalog, logger }: { catalog: Pick<Catalog, 'runs'>; logger: Logger }): void {
  const run = catalog.runs.get(id);
  if (!run) return;
  const { state, error } = run;
  if (state === 'cancelled') return logger.log('warn', `${nameOf(run)} was cancelled`, factsOf(run));
  if (error === null) return logger.log(state === 'failed' ? 'error' : 'info', saidOf(run), factsOf(run));
  const facts = { ...factsOf(run), code: error.code, ...(error.hint === null ? {} : { hint: error.hint }) };
  logger.log('error', `${nameOf(run)} failed: ${error.message} (${error.code})`, facts);
}

function saidOf(run: RunRecord): string {
  const { operation, state, startedAt, finishedAt, backup, result } = run;
  const ms = new Date(finishedAt ?? startedAt).getTime() - new Date(startedAt).getTime();
  const bytes = operation === 'backup' ? (result as { bytes?: unknown } | null)?.bytes : undefined;
  const made = [backup, typeof bytes === 'number' ? formatBytes(bytes) : null].filter((part) => part !== null);
  return `${nameOf(run)} ${state} in ${formatDuration(ms)}${made.length > 0 ? `: ${made.join(', ')}` : ''}`;
}

function nameOf({ operation, source }: Pick<RunRecord, 'operation' | 'source'> | RunName): string {
  return `${operation}/${source ?? 'all sources'}`;
}

function factsOf({ id, operation, source }: Pick<RunRecord, 'id' | 'operation' | 'source'> | RunName) {
  return { run: id, operation, ...(source === null ? {} : { source }) };
}
