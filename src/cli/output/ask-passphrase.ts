import { abortReason } from '../../base/abort.ts';
import { Secret } from '../../base/secret.ts';
import type { Io } from '../command.ts';

/** Asks without showing what is typed; undefined where nobody can be asked, null when nothing was typed. */
export function askerFor(
  { interactive, stdin, stderr }: Io,
  signal: AbortSignal,
): ((what: string) => Promise<Secret | null>) | undefined {
  if (!interactive) return undefined;
  return async (what) => {
    const { isCancel, password } = await import('@clack/prompts');
    const typed = await password({ message: what, input: stdin, output: stderr, signal });
    if (signal.aborted) throw abortReason(signal);
    return isCancel(typed) || typed === undefined || typed === '' ? null : new Secret(typed);
  };
}
