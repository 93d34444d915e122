import type { Message, RunFacts } from '../channel.ts';
import { clean, oneLine, titleOf, toneOf, type Tone } from '../outline.ts';

const statuses: Record<Tone, string> = { bad: 'error', warning: 'warning', good: 'success', plain: 'success' };

/**
 * What is posted. The keys on top are those that receivers of NocoDB's backup know; what is not known, or has no meaning for a message,
 * is null. `holdfast` holds the message as it is.
 */
export function payloadOf(message: Message, version: string): Record<string, unknown> {
  const { run } = message;
  return {
    backup_id: run?.backup ?? null,
    status: statuses[toneOf(message)],
    message: clean(message.what) || titleOf(message),
    instance_name: oneLine(message.instance),
    bases_count: run?.bases ?? null,
    tables_count: run?.tables ?? null,
    records_count: run?.records ?? null,
    total_size: run?.bytes ?? null,
    duration_seconds: typeof run?.durationMs === 'number' ? Math.round(run.durationMs / 100) / 10 : null,
    local_path: placeOf(run, 'local'),
    s3_path: placeOf(run, 's3'),
    database_dump_size: run?.databaseBytes ?? null,
    file_backup_size: run?.fileBytes ?? null,
    error_messages: message.errors.map(clean),
    holdfast: {
      format: 1,
      version,
      id: message.id,
      at: message.at,
      kind: message.kind,
      severity: message.severity,
      source: message.source,
      title: titleOf(message),
      meaning: message.meaning === null ? null : clean(message.meaning),
      todo: message.todo.map(clean),
      facts: message.facts.map(({ name, value }) => ({ name: oneLine(name), value: clean(value) })),
      run,
      link: message.link,
      report: message.page === null ? null : clean(message.page.text),
    },
  };
}

function placeOf(run: RunFacts | null, kind: string): string | null {
  return run?.places.find((place) => place.kind === kind)?.path ?? null;
}
