import { databaseOf } from '../../care/source.ts';
import { parseDuration } from '../../base/units.ts';
import type { Command } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { printable } from '../output/text.ts';
import { pickSources } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const waitForDatabase: Command = {
  name: 'wait-for-database',
  summary: 'wait until the database takes connections',
  group: 'care',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  options: [
    { name: 'timeout', value: 'duration', summary: 'how long, such as 30s or 5m; default: 60s' },
    { name: 'server-only', summary: 'enough that the server lets us in; the database may be missing' },
  ],
  examples: [
    { line: 'holdfast wait-for-database && node server.js', does: 'before an application starts' },
    { line: 'holdfast wait-for-database --timeout 5m --server-only', does: 'before a database is created' },
  ],
  help: `Ends with exit code 0 once a connection was made and a question answered. A wrong password, or a server that does not
offer the encryption asked for, ends it at once: waiting would not help. After the time it ends with 1 and the last reason.`,
  run: async (context, input) => {
    const timeoutMs = timeoutOf(input.text('timeout') ?? '60s');
    const { house, sources } = await pickSources(context, input);
    const { waitForDatabase: wait } = await import('../../care/proof/wait-for-database.ts');
    const { io, clock, signal } = context;
    const deadline = clock.monotonic() + timeoutMs;
    const ready: { source: string; database: string; ready: true; attempts: number; seconds: number }[] = [];
    const wanted = sources.length > 0 ? sources : [await house.source(undefined, signal)];
    // Folders have nothing to wait for; where that is all there is, asking for it was a mistake.
    const some = wanted.filter((source) => source.database !== null);
    for (const source of some.length > 0 ? some : wanted) {
      const { name } = source;
      const database = databaseOf(source);
      const waited = await wait({
        database,
        what: input.flag('server-only') ? 'server' : 'database',
        timeoutMs: Math.max(1, deadline - clock.monotonic()),
        clock,
        signal,
        onWaiting: (reason) => io.screen.line(`waiting for ${database.title}: ${printable(reason)}`),
      });
      ready.push({ source: name, database: database.title, ready: true, ...waited });
      if (!context.json) print(io, `${database.title} is ready`);
    }
    if (context.json) printJson(io, ready);
  },
};

function timeoutOf(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms > 0) return ms;
  // The variables of other systems have plain seconds.
  if (/^[1-9]\d{0,6}$/.test(text)) return Number(text) * 1000;
  throw wrongUsage(`--timeout ${text} is no duration`, 'Use one such as 30s or 5m.');
}
