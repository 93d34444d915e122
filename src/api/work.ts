import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Report, RunName } from '../base/progress.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Attended } from '../schedule/serve.ts';
import { logTo } from '../schedule/work.ts';
import { sayBegin, sayEnd } from './run-lines.ts';

/** Runs that were begun over HTTP: they go on when whoever asked has hung up, and end with the daemon. */
export interface Work extends Attended, AsyncDisposable {
  /**
   * Resolves with the run's id once it is at work; rejects with what kept it from beginning. What comes out of a recipe that has nothing
   * to tell on its way names its run. `asker` is who is named in the log.
   */
  begin(recipe: (parts: { signal: AbortSignal; report: Report }) => Promise<unknown>, asker: string): Promise<Begun>;
  /** Counts as something that runs, such as a file that is being received; `signal` fires when it has to end. */
  during<T>(task: (signal: AbortSignal) => Promise<T>): Promise<T>;
  /** The end of a run that was begun here; at once when it is over, or never was. */
  endOf(run: string): Promise<void>;
}

export interface Begun {
  run: string;
  ended: Promise<void>;
}

export function openWork({ catalog, logger }: { catalog: Pick<Catalog, 'runs'>; logger: Logger }): Work {
  const over = new AbortController();
  const running = new Set<Promise<void>>();
  const byRun = new Map<string, Promise<void>>();
  let open = true;
  let changed: () => void = () => undefined;
  const idle = async () => {
    while (running.size > 0) await Promise.all(running);
  };
  const cancel = (reason: HoldfastError) => over.abort(reason);
  /** It looks into the catalog. That this may fail for a moment is nothing that a run or the daemon ends with. */
  const sayEndOf = (run: string) => {
    try {
      sayEnd(run, { catalog, logger });
    } catch (error) {
      logger.log('warn', `how run ${run} ended could not be looked up: ${toHoldfastError(error).message}`);
    }
  };
  return {
    begin: async (recipe, asker) => {
      if (!open) throw stopping();
      const begun = Promise.withResolvers<string>();
      let known: RunName | null = null;
      const log = new Map<string, Report>();
      const report: Report = (event, run) => {
        if (!run) return;
        if (known === null) {
          known = run;
          sayBegin(run, asker, logger);
          changed();
          begun.resolve(run.id);
        }
        logOf(log, run, logger)(event, run);
      };
      const ended = recipe({ signal: over.signal, report }).then(
        (result) => {
          const id = (result as { run?: string } | undefined)?.run ?? known?.id ?? '';
          begun.resolve(id);
          sayEndOf(id);
        },
        (error: unknown) => {
          begun.reject(error);
          // Otherwise it is the answer.
          if (known !== null) sayEndOf(known.id);
        },
      );
      running.add(ended);
      void ended.finally(() => {
        running.delete(ended);
        changed();
      });
      const run = await begun.promise;
      byRun.set(run, ended);
      void ended.finally(() => byRun.delete(run));
      return { run, ended };
    },
    during: async (task) => {
      if (!open) throw stopping();
      const done = task(over.signal);
      const ended = done.then(
        () => undefined,
        () => undefined,
      );
      running.add(ended);
      void ended.finally(() => running.delete(ended));
      return done;
    },
    endOf: (run) => byRun.get(run) ?? Promise.resolve(),
    close: () => void (open = false),
    running: () => running.size,
    idle,
    cancel,
    onChange: (listener) => void (changed = listener),
    [Symbol.asyncDispose]: async () => {
      open = false;
      cancel(stopping());
      await idle();
    },
  };
}

function stopping(): HoldfastError {
  return new HoldfastError('DAEMON_STOPPING', 'the daemon is being stopped', {
    kind: 'interrupted',
    retryable: true,
    hint: 'Try again once it is back.',
  });
}

function logOf(known: Map<string, Report>, { id, source, operation }: RunName, logger: Logger): Report {
  const report = known.get(id) ?? logTo(logger, source ?? 'all sources', operation);
  known.set(id, report);
  return report;
}
