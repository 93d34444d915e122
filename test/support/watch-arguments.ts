import { readdir, readFile } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';

export interface WatchedArguments {
  stop(): Promise<string[]>;
  /** What is short-lived can come and go between two looks: done again until it was seen. */
  untilSeen(program: string, run: () => Promise<unknown>): Promise<void>;
}

/** Reads the argument list of every process on the machine again and again, as a curious neighbour would. */
export function watchArguments(): WatchedArguments {
  const lines = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of await readdir('/proc')) {
        if (!/^\d+$/.test(pid)) continue;
        const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
        if (line) lines.add(line.replaceAll('\0', ' '));
      }
      await setTimeout(5);
    }
  })();
  return {
    untilSeen: async (program, run) => {
      for (let tries = 1; tries <= 10; tries += 1) {
        await run();
        if ([...lines].some((line) => line.includes(program))) return;
      }
      throw new Error(`${program} was not seen`);
    },
    stop: async () => {
      stopped = true;
      await watching;
      return [...lines];
    },
  };
}
