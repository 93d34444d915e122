/** Works on all items, some at once. The first failure stops what has not begun; what has begun is waited for. */
export async function inParallel<T>(
  items: Iterable<T>,
  atOnce: number,
  work: (item: T, worker: number) => Promise<void>,
): Promise<void> {
  const queue = items[Symbol.iterator]();
  let failure: { error: unknown } | undefined;
  const run = async (worker: number) => {
    for (let next = queue.next(); !next.done && !failure; next = queue.next()) {
      try {
        await work(next.value, worker);
      } catch (error) {
        failure ??= { error };
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, (_, worker) => run(worker)));
  if (failure) throw failure.error;
}
