/** Something that is not as it should be, as `check` reports it. The code and the things it is about say which one it is. */
export interface Finding {
  /** `BACKUP_OVERDUE`, `STORAGE_UNREACHABLE` ... each documented in docs/monitoring.md. */
  readonly code: string;
  readonly severity: 'critical' | 'warning';
  readonly source: string | null;
  readonly storage: string | null;
  /** What was seen and what would have been right; null where there is no number to it. */
  readonly value: number | string | null;
  readonly threshold: number | string | null;
  /** What is the matter, one sentence without a full stop. */
  readonly message: string;
  /** What it means for the data. */
  readonly meaning: string;
  /** What to do. */
  readonly hint: string;
  /** A source that its words and numbers tell of, although it concerns others, too: nothing for whoever may not see that one. */
  readonly tellsOf?: string;
}

/** Two findings with the same key are the same incident at different times. */
export function findingKey({ code, source, storage }: Finding): string {
  return [code, source ?? '', storage ?? ''].join('/');
}
