import { resolve } from 'node:path';
import { formatBytes } from '../../base/units.ts';
import type { Source } from '../../care/source.ts';
import type { House } from '../../house.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { confirm } from '../output/confirm.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { pickBackup, type PickedBackup } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const download: Command = {
  name: 'download',
  summary: 'fetch a backup into the local storage or a folder',
  group: 'recover',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest` (default)', optional: true, complete: 'backup' }],
  options: [
    { name: 'to', value: 'folder', summary: 'a folder instead of the local storage of the source', complete: 'folder' },
    {
      name: 'artifact',
      value: 'path',
      summary: 'only this artifact, as it is stored; into --to or the current folder',
    },
  ],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast download latest', does: 'into the local storage of the source' },
    { line: 'holdfast download 2026-11-20 --to ./carry', does: 'into a folder that is a storage itself' },
    { line: 'holdfast download latest --artifact database.dump', does: 'one file, for pg_restore' },
  ],
  help: `Every byte is checked against the manifest, and what arrives is whole or not there at all. With --to, the backup lies in
<folder>/<source>/<id>, with its keys in <folder>/<source>/keys: point a storage of type local there, or take it to another
machine. Something else that lies there already is replaced only after asking; what is the same is left as it is.`,
  run: async (context, input) => {
    const picked = await pickBackup(context, input);
    const path = input.text('artifact');
    const { to, from } = places(context, input, picked);
    const result = await fetch(context, picked, { to, from, path });
    if (context.json) return printJson(context.io, result);
    const { state, id, bytes } = result;
    const style = styleFor(context.io.color);
    const headline = state === 'present' ? 'there already, and whole' : 'downloaded';
    print(
      context.io,
      `${style.good(headline)}  ${path ?? id} in ${result.to}, ${formatBytes(bytes)} from ${result.from}`,
    );
  },
};

function places(context: CommandContext, input: CommandInput, { house, source, storage, others }: PickedBackup) {
  const to = target(context, input, house, source);
  const from = [storage, ...(context.storage === undefined ? others : [])].filter(({ name }) => name !== to.name);
  if (from.length > 0) return { to, from };
  throw wrongUsage(
    `only ${to.name} has this backup`,
    'Say with `--to` where else it shall lie; `holdfast list` shows which storage has what.',
  );
}

function target(context: CommandContext, input: CommandInput, house: House, source: Source): Storage {
  const folder = input.text('to');
  if (folder !== undefined) return house.folder(resolve(context.cwd, folder));
  if (input.text('artifact') !== undefined) return house.folder(context.cwd);
  const local = source.storages.find((storage) => storage.localPath(source.name) !== null);
  if (local) return local;
  throw wrongUsage(`source ${source.name} has no storage on this machine`, 'Name a folder with `--to`.');
}

interface Places {
  to: Storage;
  from: readonly Storage[];
  path: string | undefined;
}

async function fetch(context: CommandContext, { house, source, id }: PickedBackup, { to, from, path }: Places) {
  const { withRun } = await import('../../catalog/run.ts');
  const { downloadArtifact, downloadBackup } = await import('../../care/copies/download.ts');
  const { catalog, clock } = house;
  const { signal } = context;
  const what = path ?? `${source.name}/${id}`;
  const confirmReplace = () =>
    confirm(context, { says: [`${to.title} has something else as ${what}. It is replaced.`], word: 'yes' });
  using progress = showProgress(context);
  return await withRun(
    {
      operation: 'copy',
      source: source.name,
      backup: id,
      trigger: 'manual',
      catalog,
      clock,
      signal,
      report: progress.report,
    },
    async (run) => {
      const { report } = run;
      const task = { source, id, from, to, confirmReplace, catalog, clock, run: run.id, signal: run.signal, report };
      const done =
        path === undefined
          ? { artifacts: null, ...(await downloadBackup(task)) }
          : { state: 'copied' as const, ...(await downloadArtifact({ ...task, path })) };
      return { state: 'succeeded', result: { run: run.id, id, source: source.name, ...done, to: to.title } };
    },
  );
}
