import type { RunRecord } from '../../catalog/catalog.ts';
import type { Command, CommandContext } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';

export const cancel: Command = {
  name: 'cancel',
  summary: 'end a run, whichever process does it',
  group: 'care',
  arguments: [{ name: 'run', summary: 'id or unique prefix, as `runs` shows it', complete: 'run' }],
  options: [{ name: 'no-wait', summary: 'do not wait until it has ended' }],
  examples: [{ line: 'holdfast cancel 20261120-051500-3fa1c2', does: 'a backup of the daemon, for instance' }],
  help: `The run is asked to end, in this or another container or terminal; it ends its programs and removes what is unfinished. A
backup that is sealed already stays.`,
  run: async (context, input) => {
    const [{ HoldfastError }, { userName }, { hostname }] = await Promise.all([
      import('../../base/errors.ts'),
      import('../../base/user-name.ts'),
      import('node:os'),
    ]);
    const { catalog } = await context.house();
    const { findRun } = await import('../find-run.ts');
    const run = findRun(catalog, input.text('run'), {});
    if (!catalog.runs.requestCancel(run.id, `${userName()} on ${hostname()}`))
      throw new HoldfastError('RUN_ENDED', `run ${run.id} has ended already: ${run.state}`, {
        kind: 'usage',
        hint: '`holdfast runs` shows what runs.',
      });
    const ended = input.flag('no-wait') ? run : await untilEnded(context, run.id);
    if (context.json) return printJson(context.io, { run: ended.id, state: ended.state });
    const said = ended.finishedAt === null ? 'is asked to end' : `ended: ${ended.state}`;
    print(context.io, `${styleFor(context.io.color).good('done')}  ${run.operation} ${run.id} ${said}`);
  },
};

/** Long enough for programs to be ended and a stage to be removed from a storage far away. */
const patienceMs = 60_000;

async function untilEnded(context: CommandContext, id: string): Promise<RunRecord> {
  const { pause } = await import('../../base/abort.ts');
  const { HoldfastError } = await import('../../base/errors.ts');
  const { catalog } = await context.house();
  const { clock } = context;
  const deadline = clock.monotonic() + patienceMs;
  for (;;) {
    const run = catalog.runs.get(id);
    if (run && run.finishedAt !== null) return run;
    if (clock.monotonic() > deadline)
      throw new HoldfastError('RUN_STILL_ENDING', `run ${id} was asked to end and has not ended yet`, {
        hint: `\`holdfast logs ${id}\` shows what it does.`,
      });
    await pause(200, context.signal);
  }
}
