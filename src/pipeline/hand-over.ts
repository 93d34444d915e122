/** Between one who makes pieces and one who uses them, at the same time, with room for so many. */
export interface HandOver<Piece> {
  /** Resolves once there is room for one more. */
  room(): Promise<void>;
  /** Null: that was the last one. */
  give(piece: Piece | null): void;
  take(): Promise<Piece | null>;
  /** The oldest of those that were taken is not needed any more. */
  free(): void;
  /** What waits here, now and from now on, rejects with it. */
  fail(error: unknown): void;
}

export function handOver<Piece>(most: number): HandOver<Piece> {
  const given: (Piece | null)[] = [];
  let inUse = 0;
  let failure: { error: unknown } | null = null;
  let change = Promise.withResolvers<void>();
  const changed = () => {
    change.resolve();
    change = Promise.withResolvers();
  };
  const until = async (condition: () => boolean) => {
    for (;;) {
      if (failure) throw failure.error;
      if (condition()) return;
      await change.promise;
    }
  };
  return {
    room: () => until(() => inUse < most),
    give: (piece) => {
      inUse += 1;
      given.push(piece);
      changed();
    },
    take: async () => {
      await until(() => given.length > 0);
      return given.shift() ?? null;
    },
    free: () => {
      inUse -= 1;
      changed();
    },
    fail: (error) => {
      failure ??= { error };
      changed();
    },
  };
}
