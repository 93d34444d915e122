import { throwIfAborted } from '../../../base/abort.ts';

/** Works on what comes, some at once, and takes the next one only when there is room. The first failure ends it. */
export async function eachInParallel<T>(
  items: AsyncIterable<T>,
  atOnce: number,
  work: (item: T) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const running = new Set<Promise<void>>();
  let failure: { error: unknown } | undefined;
  for await (const item of items) {
    if (failure) break;
    throwIfAborted(signal);
    const begun: Promise<void> = work(item)
      .catch((error: unknown) => {
        failure ??= { error };
      })
      .finally(() => running.delete(begun));
    running.add(begun);
    if (running.size >= atOnce) await Promise.race(running);
  }
  await Promise.all(running);
  if (failure) throw failure.error;
}

/** What becomes of each, in their order; so many are worked on ahead of whoever takes them. */
export async function* mapAhead<T, Result>(
  items: AsyncIterable<T>,
  ahead: number,
  work: (item: T) => Promise<Result>,
): AsyncGenerator<Result> {
  const begun: Promise<Result>[] = [];
  const next = () => begun.shift() ?? Promise.reject(new Error('nothing was begun'));
  try {
    for await (const item of items) {
      const result = work(item);
      // Whoever takes it learns of a failure.
      result.catch(() => undefined);
      begun.push(result);
      if (begun.length > ahead) yield await next();
    }
    while (begun.length > 0) yield await next();
  } finally {
    await Promise.allSettled(begun);
  }
}

/** In groups of a size; the last one is what is left. */
export async function* inGroups<T>(items: AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length < size) continue;
    yield group;
    group = [];
  }
  if (group.length > 0) yield group;
}
