import { throwIfAborted } from '../../base/abort.ts';

/** Asks once for each key, however many want to know. What went wrong or came to nothing (null, undefined) is asked anew. */
export async function remembered<T>(
  memory: Map<string, Promise<T>>,
  key: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const known = memory.get(key);
  // Somebody else was stopped, or had no luck: that is not our answer.
  if (known) return await known.catch(() => remembered(memory, key, signal, ask));
  const answer = ask();
  memory.set(key, answer);
  // Interrupted is no answer; neither is "does not start", which installing it changes.
  answer.then(
    (value) => value ?? memory.delete(key),
    () => memory.delete(key),
  );
  return await answer;
}
