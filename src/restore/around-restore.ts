import type { HookTask } from '../backup/hooks.ts';
import type { Report } from '../base/progress.ts';
import type { Source } from '../care/source.ts';

interface Around {
  source: Source;
  instance: string;
  signal: AbortSignal;
  report: Report;
}

/** The operator's commands around what replaces the live database: those of backups are not meant. */
export function aroundRestore(
  { source: { hooks, name }, instance, signal, report }: Around,
  { run, trigger }: { run: string; trigger: string },
): HookTask {
  const facts = { operation: 'restore' as const, source: name, run, trigger, instance };
  return { hooks: hooks?.restore, folder: hooks?.folder ?? '', facts, signal, report };
}
