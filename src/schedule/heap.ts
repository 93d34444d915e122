/** Names by time: the soonest first, each name once. */
export interface Heap {
  /** Puts the name in its new place, whether it was there or not. */
  set(name: string, at: number): void;
  delete(name: string): void;
  peek(): { name: string; at: number } | null;
  /** Unordered. */
  entries(): readonly { name: string; at: number }[];
}

export function createHeap(): Heap {
  const heap: { name: string; at: number }[] = [];
  const places = new Map<string, number>();

  const put = (place: number, entry: { name: string; at: number }) => {
    heap[place] = entry;
    places.set(entry.name, place);
  };
  const up = (from: number) => {
    const entry = heap[from];
    let place = from;
    while (entry && place > 0) {
      const above = (place - 1) >> 1;
      const parent = heap[above];
      if (!parent || parent.at <= entry.at) break;
      put(place, parent);
      place = above;
    }
    if (entry) put(place, entry);
  };
  const down = (from: number) => {
    const entry = heap[from];
    let place = from;
    while (entry) {
      const [left, right] = [heap[2 * place + 1], heap[2 * place + 2]];
      const smaller = right && left && right.at < left.at ? right : left;
      if (!smaller || smaller.at >= entry.at) break;
      put(place, smaller);
      place = 2 * place + (smaller === left ? 1 : 2);
    }
    if (entry) put(place, entry);
  };
  const settle = (place: number) => {
    up(place);
    down(place);
  };

  return {
    set: (name, at) => {
      const place = places.get(name) ?? heap.length;
      put(place, { name, at });
      settle(place);
    },
    delete: (name) => {
      const place = places.get(name);
      if (place === undefined) return;
      const last = heap.pop();
      places.delete(name);
      if (!last || last.name === name) return;
      put(place, last);
      settle(place);
    },
    peek: () => heap[0] ?? null,
    entries: () => heap,
  };
}
