import { HoldfastError, toHoldfastError } from '../base/errors.ts';
import { throwIfAborted, withTimeout } from '../base/abort.ts';
import { step, type Report } from '../base/progress.ts';
import { withoutSecrets } from '../base/secret.ts';
import { formatSetting } from '../base/units.ts';
import type { Hook, HookMoments } from '../care/source.ts';
import { runHook } from './run-hook.ts';

export interface HookTask {
  hooks: HookMoments | undefined;
  /** Where they run. */
  folder: string;
  /** What is known of the run from its beginning. */
  facts: { operation: 'backup' | 'restore'; source: string; run: string; trigger: string; instance: string };
  signal: AbortSignal;
  report: Report;
}

/**
 * To be called once what the run is for has been reached. Resolves with the failures of hooks that did not stop it. With a signal, that
 * one ends the command instead of the run's.
 */
export type Reached = (
  outcome: { backup: string; state: 'succeeded' | 'partial' },
  signal?: AbortSignal,
) => Promise<string[]>;

type Moment = keyof HookMoments;

/** Whoever stopped the run waits for the end of it. */
const afterStopMs = 30_000;
const longestVariable = 8000;

/**
 * Runs the operator's commands around the work. Names and messages reach them as variables, never as a part of the command, so that
 * nothing in them can be taken for one.
 */
export async function withHooks<T>(task: HookTask, work: (reached: Reached) => Promise<T>): Promise<T> {
  const { hooks } = task;
  if (!hooks) return work(async () => []);
  let backup = '';
  let told = false;
  const warnings: string[] = [];
  const tellFailed = async (error: unknown) => {
    if (told) return;
    told = true;
    const { kind, message, code } = toHoldfastError(error);
    const facts = {
      HOOK_STATE: kind === 'interrupted' ? 'cancelled' : 'failed',
      HOOK_BACKUP: backup,
      HOOK_ERROR: message,
      HOOK_ERROR_CODE: code,
    };
    await run(afterTheEnd(task, hooks), 'failed', facts).catch((failure: unknown) => {
      // What went wrong first is what counts.
      task.report({ kind: 'warning', message: toHoldfastError(failure).message });
    });
  };
  try {
    warnings.push(...(await run(task, 'before', { HOOK_STATE: 'running' })));
    return await work(async (outcome, signal = task.signal) => {
      backup = outcome.backup;
      try {
        warnings.push(...(await run({ ...task, signal }, 'after', { HOOK_STATE: outcome.state, HOOK_BACKUP: backup })));
      } catch (error) {
        // At once: whoever called may think nothing of it, and what `before` has stopped stands still.
        await tellFailed(error);
        throw error;
      }
      return warnings;
    });
  } catch (error) {
    await tellFailed(error);
    throw error;
  }
}

/** The run's own signal may have fired: that is what this command is to be told of. */
function afterTheEnd(task: HookTask, { before, after, failed }: HookMoments): HookTask {
  if (!task.signal.aborted) return task;
  const shorter = failed && { ...failed, timeoutMs: Math.min(failed.timeoutMs, afterStopMs) };
  return { ...task, hooks: { before, after, failed: shorter }, signal: new AbortController().signal };
}

async function run(task: HookTask, moment: Moment, facts: Record<string, string>): Promise<string[]> {
  const hook = task.hooks?.[moment];
  if (!hook) return [];
  const name = `hook ${moment}`;
  try {
    await step(task.report, name, () => runInTime(task, hook, { name, variables: variablesOf(task, moment, facts) }));
    return [];
  } catch (error) {
    throwIfAborted(task.signal);
    const failure = hookFailed(moment, error);
    if (hook.onFailure === 'fail') throw failure;
    const message = `${failure.message} (${failure.code})`;
    task.report({ kind: 'warning', step: name, message });
    return [message];
  }
}

async function runInTime(
  { signal, report, folder }: HookTask,
  hook: Hook,
  { name, variables }: { name: string; variables: Record<string, string> },
): Promise<void> {
  using limit = withTimeout(
    signal,
    hook.timeoutMs,
    () => new HoldfastError('HOOK_TIMEOUT', `it did not end within ${formatSetting(hook.timeoutMs)}`),
  );
  const command = { program: hook.program, args: hook.args, env: { ...hook.env, ...variables }, cwd: folder };
  await runHook(command, { signal: limit.signal, onLine: (line) => report({ kind: 'output', step: name, line }) });
}

function variablesOf({ facts }: HookTask, moment: Moment, more: Record<string, string>): Record<string, string> {
  const { operation, source, run: id, trigger, instance } = facts;
  const all = {
    HOOK: moment,
    HOOK_OPERATION: operation,
    HOOK_SOURCE: source,
    HOOK_RUN: id,
    HOOK_TRIGGER: trigger,
    HOOK_INSTANCE: instance,
    ...more,
  };
  return Object.fromEntries(Object.entries(all).map(([key, value]) => [key, variable(value)]));
}

/** The system takes no NUL in a variable, and not too much of anything. */
function variable(text: string): string {
  return withoutSecrets(text).replaceAll('\0', '').slice(0, longestVariable);
}

function hookFailed(moment: Moment, error: unknown): HoldfastError {
  const cause = toHoldfastError(error);
  return new HoldfastError('HOOK_FAILED', `the hook \`${moment}\` failed: ${cause.message}`, {
    cause: error,
    hint: `Its output is in the log of the run. With \`onFailure: warn\` the run goes on in spite of it.`,
    retryable: true,
  });
}
