/**
 * What a run tells while it works. The terminal draws it, the run's log keeps its steps, the API will stream it.
 * `step` opens a named step of the recipe ("dump", "verify", "swap"); `progress` moves inside it; `done` closes it.
 * `output` is a line that a command of the operator's printed.
 */
export type RunEvent =
  | { kind: 'step'; step: string; detail?: string }
  | { kind: 'progress'; step: string; part: string; bytes: number; total: number | null }
  | { kind: 'done'; step: string; ms: number; detail?: string }
  | { kind: 'output'; step: string; line: string }
  /** With a step: it ended, not well, and the run goes on. */
  | { kind: 'warning'; message: string; step?: string };

/** Which run tells it; one inside of another keeps its own name. */
export interface RunName {
  readonly id: string;
  readonly operation: string;
  readonly source: string | null;
}

export type Report = (event: RunEvent, run?: RunName) => void;

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
