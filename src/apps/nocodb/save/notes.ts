import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { finished } from 'node:stream/promises';

/** Lines kept on disk, where memory must not grow with them. */
export interface Notes<Entry> extends AsyncDisposable {
  readonly count: number;
  add(entry: Entry): Promise<void>;
  /** Ends the writing; can be called again. */
  entries(): AsyncGenerator<Entry>;
}

export function notes<Entry>(path: string): Notes<Entry> {
  let out: WriteStream | null = null;
  let failure: Error | null = null;
  let count = 0;
  const close = async () => {
    const open = out;
    out = null;
    if (open === null) return;
    open.end();
    await finished(open);
  };
  return {
    get count() {
      return count;
    },
    add: async (entry) => {
      if (out === null) {
        out = createWriteStream(path, { mode: 0o600, flags: 'a' });
        out.on('error', (error) => (failure = error));
      }
      count += 1;
      if (failure !== null) throw failure;
      // Records may hold any text: what breaks lines for a reader of lines is written differently.
      const line = JSON.stringify(entry).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
      if (!out.write(`${line}\n`)) await once(out, 'drain');
    },
    entries: async function* entries() {
      await close();
      if (failure !== null) throw failure;
      if (count === 0) return;
      const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
      for await (const line of lines) yield JSON.parse(line) as Entry;
    },
    [Symbol.asyncDispose]: async () => {
      await close().catch(() => undefined);
    },
  };
}
