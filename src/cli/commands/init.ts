import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { styleFor } from '../output/style.ts';
import { runDoctor } from './doctor.ts';

export const init: Command = {
  name: 'init',
  summary: 'ask a few questions, write holdfast.yaml, check it',
  group: 'start',
  options: [
    { name: 'url', value: 'address', summary: 'the database: postgres://shop@db/shop, mysql://..., mariadb://...' },
    { name: 'path', value: 'file', summary: 'instead of --url: the file of an SQLite database', complete: 'file' },
    { name: 'name', value: 'source', summary: 'how the source is called; default: like the database' },
    { name: 'storage-path', value: 'folder', summary: 'where backups go; default: ./backups', complete: 'folder' },
    { name: 'schedule', value: 'cron', summary: 'when to back up; default: "15 3 * * *"' },
  ],
  examples: [
    { line: 'holdfast init', does: 'with questions' },
    { line: 'HOLDFAST_DATABASE_PASSWORD=... holdfast init --url postgres://shop@db/shop --yes', does: 'without' },
    { line: 'holdfast init --path ./data/app.db --yes', does: 'an SQLite database' },
  ],
  help: `Never overwrites a file. The password does not stand in holdfast.yaml: one that is given lies in secrets/<source>.password
beside it, readable only by you and ignored by git; one that is found in HOLDFAST_DATABASE_PASSWORD is taken from there at every
start. A password on the command line is visible to other users of the machine while the command runs.`,
  run: async (context, input) => {
    const { fileFor, writeFirst } = await import('../first-steps.ts');
    const file = await fileFor(context);
    const written = await writeFirst(context, file, input);
    const style = styleFor(context.io.errorColor);
    for (const path of written) context.io.screen.line(`${style.good('✓')} wrote ${path}`);
    return checkIt(context, input);
  },
};

/** The same examination as `holdfast doctor`; what it finds does not undo what was written. */
async function checkIt(context: CommandContext, _input: CommandInput): Promise<Ending> {
  const ending = await runDoctor(context);
  const next = ending === 'done' ? 'Next: holdfast backup' : 'Mend what failed, then: holdfast doctor';
  context.io.screen.line(styleFor(context.io.errorColor).accent(next));
  return ending;
}
