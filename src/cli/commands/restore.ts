import { toHoldfastError } from '../../base/errors.ts';
import { liveName, titleOf, type Source } from '../../care/source.ts';
import type { HalfSwap, TableName } from '../../engines/engine.ts';
import type { House } from '../../house.ts';
import type { Guard } from '../../restore/guards.ts';
import type { RestorePlan, RestoreRequest } from '../../restore/plan.ts';
import { clearUp } from '../clear-up.ts';
import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { required } from '../input.ts';
import { confirm } from '../output/confirm.ts';
import { renderFacts, type Fact } from '../output/facts.ts';
import { describeGuards } from '../output/guards.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { describePlan, describeRestore, errorLook, outputLook } from '../output/restore.ts';
import { hanging } from '../output/text.ts';
import { styleFor } from '../output/style.ts';
import { dumpFile } from '../dump-file.ts';
import { fetchDump, isS3Address, localFolders } from '../fetch-dump.ts';
import { parseTableName } from '../table-name.ts';
import { pickBackup, pickSource } from '../pick.ts';
import { restoreFiles } from './restore-files.ts';
import { checkOptions, refuseDatabaseOptions, refuseIdleKeepOld } from '../restore-options.ts';

export const restore: Command = {
  name: 'restore',
  aliases: ['restore-dump', 'restore-s3'],
  summary: 'bring a backup or a dump file back, safely',
  group: 'recover',
  arguments: [
    {
      name: 'id',
      summary: 'id, unique prefix, `latest`, a dump file, or s3://bucket/file',
      optional: true,
      complete: 'backup',
    },
  ],
  options: [
    { name: 'into', value: 'database', summary: 'another database (name or address) instead of the live one' },
    { name: 'in-place', summary: 'replace the content inside the live database, in one transaction' },
    { name: 'table', value: 'table', repeat: true, summary: 'only this table (schema.name); may be repeated' },
    { name: 'schema', value: 'schema', repeat: true, summary: 'only this schema; may be repeated' },
    { name: 'db-only', summary: 'the database only, not the folders of the backup' },
    { name: 'keep-old', summary: 'keep the replaced database beside the new one, for --undo' },
    { name: 'no-safety-backup', summary: 'do not back up the live database first' },
    { name: 'no-owner', summary: 'everything belongs to the restoring role; no privileges' },
    {
      name: 'if-connected',
      value: 'what',
      choices: ['disconnect', 'refuse'],
      summary: 'what happens to other sessions at the swap; default: disconnect',
    },
    { name: 'jobs', value: 'n', summary: 'how many workers load at once' },
    {
      name: 'allow',
      value: 'guard',
      repeat: true,
      choices: [
        'server-version',
        'encoding',
        'script',
        'unpatched',
        'excluded',
        'superuser',
        'app-version',
        'app-schema',
        'app-stopped',
        'app-keys',
      ],
      summary: 'lift this guard; may be repeated',
    },
    { name: 'trust-script', summary: 'run a plain SQL file that was not made here; same as --allow script' },
    { name: 'dry-run', summary: 'look at everything, print the guards, touch nothing' },
    { name: 'undo', summary: 'swap back the database that the last restore kept (--keep-old)' },
    { name: 'force', summary: 'same as --yes', hidden: true },
  ],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast restore latest --dry-run', does: 'what would happen, and what stands in the way' },
    { line: 'holdfast restore latest', does: 'replace the live database by the newest backup' },
    { line: 'holdfast restore latest --into shop_copy', does: 'beside the live database' },
    { line: 'holdfast restore latest --table public.orders', does: 'one table' },
    { line: 'holdfast restore ./shop.dump', does: 'a dump that was made elsewhere' },
    { line: 'holdfast restore --undo', does: 'the way back after --keep-old' },
  ],
  help: `The backup is loaded into a new database beside the live one, analysed and compared with the counts of its snapshot; only
then, with a backup of the live one made right before, the two change places by renaming. Whatever fails before leaves the
live database as it was. To confirm, type its name; --yes (or FORCE_RESTORE=true) answers that, but never lifts a guard.`,
  run: async (context, input) => {
    checkOptions(input);
    const sure = { ...context, yes: context.yes || input.flag('force') || context.env['FORCE_RESTORE'] === 'true' };
    if (input.flag('undo')) return undo(sure, input);
    const { source } = await pickSource(context, input);
    // Without a database, the folders are all there is to bring back.
    if (source.database === null && source.apps.length > 0) {
      refuseDatabaseOptions(input, source.name);
      return restoreFiles.run?.(sure, input);
    }
    refuseIdleKeepOld(input, source);
    const { house, request } = await readRequest(sure, input);
    return input.flag('dry-run') ? preview(sure, house, request) : carryOut(sure, house, request);
  },
};

async function readRequest(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; request: RestoreRequest }> {
  const { house, source, from, own } = await readFrom(context, input);
  const usual = source.database ? (source.database.capabilities.defaultSchema ?? '') : undefined;
  const tables: TableName[] = input.texts('table').map((text) => parseTableName(text, usual));
  const schemas = input.texts('schema');
  return {
    house,
    request: {
      source,
      from,
      into: input.text('into') ?? null,
      onlyNew: false,
      guarded: { sources: house.sources, folders: house.ownFolders },
      inPlace: input.flag('in-place'),
      files: !input.flag('db-only'),
      scope: tables.length + schemas.length > 0 ? { tables, schemas } : null,
      owners: input.flag('no-owner') ? 'none' : 'keep',
      sessions: sessionsOf(input),
      keepOld: input.flag('keep-old'),
      safetyBackup: !input.flag('no-safety-backup'),
      jobs: input.number('jobs') ?? null,
      allowed: [
        ...input.texts('allow'),
        ...(input.flag('trust-script') ? ['script'] : []),
        // Whoever writes into the folder or the bucket of the backups decides what is restored in any case.
        ...(own ? ['superuser'] : []),
      ],
    },
  };
}

async function readFrom(
  context: CommandContext,
  input: CommandInput,
): Promise<{ house: House; source: Source; from: RestoreRequest['from']; own: boolean }> {
  const typed = required(input, 'id');
  if (isS3Address(typed)) {
    const { house, source } = await pickSource(context, input);
    return { house, source, from: { file: await fetchDump(house, typed, context.signal) }, own: true };
  }
  const file = await dumpFile(typed, context.cwd, async () => localFolders(await context.house()));
  if (file === null) {
    const { house, source, storage, id, others, newer } = await pickBackup(context, input);
    const from = { storage, id, others: context.storage === undefined ? others : [], newer };
    return { house, source, from, own: false };
  }
  return { ...(await pickSource(context, input)), from: { file: file.path }, own: file.own };
}

function sessionsOf(input: CommandInput): 'disconnect' | 'refuse' {
  return input.text('if-connected') === 'refuse' ? 'refuse' : 'disconnect';
}

async function preview(context: CommandContext, house: House, request: RestoreRequest): Promise<Ending> {
  const { io, json, signal } = context;
  const { planRestore } = await import('../../restore/plan.ts');
  const plan = await planRestore(request, house.scratch, signal);
  const blocked = plan.guards.some(({ result }) => result === 'block');
  if (json) {
    const { mode, guards } = plan;
    const id = plan.from;
    printJson(io, { run: null, id, state: 'planned', mode, target: plan.target.title, previous: null, guards });
  } else {
    const style = styleFor(io.color);
    print(io, ...describePlan(context, house, plan, request, outputLook(io)), '');
    print(
      io,
      blocked
        ? style.bad('Refused as it is; nothing was touched.')
        : style.good('Nothing stands in the way; nothing was touched.'),
    );
  }
  return blocked ? 'refused' : 'done';
}

async function carryOut(context: CommandContext, house: House, request: RestoreRequest): Promise<Ending> {
  const { io, signal } = context;
  const { restore: bringBack } = await import('../../restore/restore.ts');
  await clearUp(context, house, request.source);
  using progress = showProgress(context);
  try {
    const result = await bringBack({
      request,
      confirm: (plan) => confirmRestore(context, house, plan, request),
      catalog: house.catalog,
      clock: house.clock,
      instance: house.instance,
      version: house.version,
      timezone: house.timezone,
      scratch: house.scratch,
      signal,
      report: progress.report,
    });
    if (context.json) printJson(io, result);
    else print(io, ...describeRestore(io, result, house.sources.length > 1 ? ` --source ${request.source.name}` : ''));
    return result.state === 'partial' ? 'partial' : 'done';
  } catch (error) {
    // The one error that is a checklist: all of it helps more than what blocked alone.
    const { guards } = toHoldfastError(error).details as { guards?: Guard[] };
    if (guards && !context.json) for (const line of describeGuards(guards, errorLook(io))) io.screen.line(line);
    throw error;
  }
}

async function confirmRestore(
  context: CommandContext,
  house: House,
  plan: RestorePlan,
  request: RestoreRequest,
): Promise<void> {
  if (!context.json) {
    for (const line of describePlan(context, house, plan, request, errorLook(context.io))) context.io.screen.line(line);
  }
  if (plan.destructive) await confirm(context, { says: [''], word: plan.target.name });
}

function takesBack({ previous, untouched }: HalfSwap, title: string): string[] {
  if (untouched)
    return [
      `This takes a restore back that was cut off before its exchange: ${title} stays what it is, ${previous ?? ''}, its second name, goes,`,
      'with folders that had changed places, and what was to be restored is kept beside it.',
    ];
  const from = previous === null ? '' : `, with what is in ${previous}`;
  return [
    `This takes a swap back that was cut off in the middle: what lived in ${title}${from}, is live again,`,
    'and what was to be restored is kept beside it, with all that has been written into it since.',
  ];
}

async function undo(context: CommandContext, input: CommandInput): Promise<Ending> {
  const { io, json, signal } = context;
  const { house, source } = await pickSource(context, input);
  const { undoRestore } = await import('../../restore/undo.ts');
  using progress = showProgress(context);
  const result = await undoRestore({
    source,
    sessions: sessionsOf(input),
    allowed: input.texts('allow'),
    confirm: ({ restored, previous, files, half }) =>
      confirm(context, {
        says: half
          ? takesBack(half, titleOf(source))
          : [
              `This undoes the restore ${restored?.id}: ${[previous, ...files.map((tree) => tree.previous)].filter(Boolean).join(', ')} becomes ${titleOf(source)} again,`,
              'and what was restored is kept under another name, with all that has been written since.',
            ],
        word: liveName(source),
      }),
    catalog: house.catalog,
    clock: house.clock,
    instance: house.instance,
    signal,
    report: progress.report,
  });
  if (json) printJson(io, result);
  else {
    const style = styleFor(io.color);
    const room = outputLook(io).columns;
    const said = `the restore ${result.undone}; what was there before it is live again`;
    print(io, ...hanging(`${style.good('undone')}  `, said, room));
    print(
      io,
      ...renderFacts(
        io,
        [
          ['database', result.target],
          ['restored one kept as', result.kept],
          ...result.files.map(({ name, previous }): Fact => [`${name} kept as`, previous]),
        ],
        '  ',
      ),
    );
  }
  return result.state === 'partial' ? 'partial' : 'done';
}
