/**
 * What a run tells while it works. The terminal draws it, the run's log keeps its steps, the API will stream it.
 * `step` opens a named step of the recipe ("dump", "verify", "swap"); `progress` moves inside it; `done` closes it.
 */
export type RunEvent =
  | { kind: 'step'; step: string; detail?: string }
  | { kind: 'progress'; step: string; part: string; bytes: number; total: number | null }
  | { kind: 'done'; step: string; ms: number; detail?: string }
  | { kind: 'warning'; message: string };

export type Report = (event: RunEvent) => void;

/** Runs one step of a recipe and reports its beginning, its end and the time it took. */
export async function step<T>(
  report: Report,
  name: string,
  work: () => Promise<T>,
  detail?: (result: T) => string,
): Promise<T> {
  const started = performance.now();
  report({ kind: 'step', step: name });
  const result = await work();
  const text = detail?.(result);
  report({
    kind: 'done',
    step: name,
    ms: performance.now() - started,
    ...(text === undefined ? {} : { detail: text }),
  });
  return result;
}
