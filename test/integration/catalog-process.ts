import { readFileSync, writeFileSync } from 'node:fs';
import { systemClock } from '../../src/base/clock.ts';
import { toHoldfastError } from '../../src/base/errors.ts';
import { holdLock } from '../../src/catalog/lease.ts';
import { withRun } from '../../src/catalog/run.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';

/** What `catalog.test.ts` starts several of: `node catalog-process.ts <what> <folder> [count] [file]`. */
const [what = '', folder = '', count = '1', file = ''] = process.argv.slice(2);
const never = new AbortController().signal;
using catalog = openCatalog(folder, systemClock);
const lock = { catalog, clock: systemClock, name: 'source:shop', signal: never, run: null };
const run = {
  catalog,
  clock: systemClock,
  operation: 'backup',
  source: 'shop',
  trigger: 'manual',
  signal: never,
  report: () => undefined,
} as const;

switch (what) {
  case 'write':
    for (let n = 0; n < Number(count); n += 1) await withRun(run, async () => ({ state: 'succeeded', result: n }));
    break;
  case 'count':
    for (let n = 0; n < Number(count);) {
      try {
        await using lease = await holdLock(lock);
        const seen = Number(readFileSync(file, 'utf8'));
        // Others get their chance right between reading and writing.
        await new Promise(setImmediate);
        lease.assertHeld();
        writeFileSync(file, String(seen + 1));
        n += 1;
      } catch (error) {
        if (toHoldfastError(error).code !== 'SOURCE_BUSY') throw error;
      }
    }
    break;
  case 'hold':
    await withRun(run, async (started) => {
      await using _lease = await holdLock({ ...lock, run: started.id });
      process.stdout.write(`${started.id}\n`);
      // Until somebody ends this process.
      await new Promise((resolve) => setTimeout(resolve, 120_000));
      return { state: 'succeeded', result: null };
    });
    break;
}
