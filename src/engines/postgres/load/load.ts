import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { outputOf } from '../../../base/piped-program.ts';
import { runProcess } from '../../../base/run-process.ts';
import type { LoadOptions, StoredDump } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { refuseGuess } from '../../shared/container.ts';
import { filesOf } from '../read/dump-files.ts';
import { reachableFor } from '../connect/dump-place.ts';
import { endSessions } from './end-sessions.ts';
import { propertiesOf } from '../look/facts.ts';
import { startFed } from '../connect/fed-process.ts';
import { feedScript, forServer, type Send } from './feed-script.ts';
import { canRestrict, isPatched, requirePatched } from '../connect/patch-level.ts';
import { openWhole, tocOf, watchPlainEnd } from '../read/read-through.ts';
import { foreignScript } from '../read/foreign-script.ts';
import { chooseJobs, listFile, psqlArgs, restoreArgs, scriptOnlyArgs, type RestoreShape } from './restore-args.ts';
import { restoreError } from './restore-errors.ts';
import { liftedLimits } from './session-limits.ts';
import { selectForNew, type Selection } from '../read/select-entries.ts';
import { largeObjectsLeft } from '../read/table-columns.ts';
import { findTablespaces } from './tablespaces.ts';
import { forgottenKeys, namesKeyTrigger, switchKeys } from '../look/switched-keys.ts';
import { createsPublic, type TocEntry } from '../read/toc.ts';
import { dropUnwantedPublic } from './unwanted-public.ts';
import { dropSubscriptions, isOfSubscription, leftSubscriptions } from '../look/subscriptions.ts';
import { toolCommand } from '../connect/tool-command.ts';
import { reachesQuery } from './target.ts';
import type { ToolVersion } from '../connect/tool-version.ts';
import type { ClientTools } from '../connect/tools.ts';

export interface Loaded {
  warnings: string[];
}

/** Loads a dump into the (new, empty) database. Stops at the first error; what a failed load leaves is the caller's to drop. */
export async function load(
  access: Access,
  dump: StoredDump,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<Loaded> {
  refuseGuess(await access.container(signal));
  const warnings: string[] = [];
  const application = `holdfast ${randomBytes(6).toString('hex')}`;
  const task: LoadTask = {
    access,
    dump,
    options,
    signal,
    application,
    warnings,
    serverMajor: await majorOf(access, signal),
  };
  await refuseReach(task);
  try {
    warnings.push(...(await dropUnwantedPublic(access, options, signal)));
    if (dump.format === 'plain') await loadScript(task);
    else await loadArchive(task, dump.format);
    const { facts } = options;
    warnings.push(...(await switchKeys(access, facts ? propertiesOf(facts).switchedKeys : [], signal)));
    if (dump.format === 'plain') warnings.push(...leftSubscriptions(await dropSubscriptions(access, signal)));
    return { warnings };
  } catch (error) {
    await endSessions(access, application);
    throwIfAborted(signal);
    throw restoreError(error, access.address);
  }
}

export interface LoadTask {
  access: Access;
  dump: StoredDump;
  options: LoadOptions;
  signal: AbortSignal;
  application: string;
  /** What the tools say without failing is never dropped. */
  warnings: string[];
  serverMajor: number;
}

async function loadArchive(task: LoadTask, format: RestoreShape['format']): Promise<void> {
  const { access, dump, options, signal, serverMajor, warnings, application } = task;
  const toc = await tocOf(dump, signal);
  const tools = await access.tools(
    { tools: ['pg_restore'], minimum: toc.readableFrom, preferred: serverMajor },
    signal,
  );
  await using folder = await access.folder();
  const selection = selectionOf(toc.entries, options);
  warnings.push(...(selection?.warnings ?? []));
  await using list = selection && (await writeList(folder.path, selection.entries, tools, signal));
  const { tablespaces, ...told } = await findTablespaces(access, selection?.entries ?? toc.entries, signal);
  warnings.push(...told.warnings);
  const shape = { format, owners: options.owners, tablespaces, list: list?.path ?? null };
  const only = options.scope && selection ? filesOf(selection.entries) : null;
  if (tools.major >= 17 && serverMajor < 17) {
    const psql = await psqlFor(task);
    const piece = { ...shape, only };
    await feedScript(
      toolCommand(psql, 'psql', psqlArgs, { address: access.address, application }),
      (send, inner) => sendArchive(task, tools, piece, send, inner),
      { signal, onStderr: (line) => warnings.push(line) },
    );
    return;
  }
  const jobs = chooseJobs(format, options.jobs, availableParallelism());
  const lifted = await liftedLimits(access, signal);
  const env = lifted === undefined ? {} : { PGOPTIONS: lifted };
  const call = { address: access.address, application, env };
  const onStderr = (line: string) => warnings.push(line);
  if (jobs === 1 && format !== 'directory') {
    const command = toolCommand(tools, 'pg_restore', restoreArgs({ ...shape, jobs, path: null }), call);
    await startFed(command, await openWhole(dump, signal), { signal, stdout: 'ignore', onStderr }).done;
    return;
  }
  await using local = await dump.locally(signal, { only });
  await using place = await reachableFor(tools, local.path, signal);
  const command = toolCommand(tools, 'pg_restore', restoreArgs({ ...shape, jobs, path: place.path }), call);
  await runProcess(command, { signal, onStderr });
}

/** Null: everything. */
function selectionOf(all: readonly TocEntry[], { scope, policies, facts }: LoadOptions): Selection | null {
  const chosen = scope ? selectForNew(all, scope) : { entries: [...all], warnings: [] };
  const entries = chosen.entries.filter(
    (entry) => !createsPublic(entry) && !isOfSubscription(entry) && !namesKeyTrigger(entry),
  );
  const subscriptions = chosen.entries.filter(({ kind }) => kind === 'SUBSCRIPTION').map(({ name }) => name);
  const left = scope || policies === 'keep' ? [] : entries.filter((entry) => entry.kind === 'POLICY');
  if (!scope && left.length === 0 && entries.length === all.length) return null;
  const names = left.map((entry) => entry.name).join(', ');
  return {
    entries: entries.filter((entry) => !left.includes(entry)),
    warnings: [
      ...chosen.warnings,
      ...leftSubscriptions(subscriptions),
      ...(facts ? [] : forgottenKeys(chosen.entries)),
      ...(scope ? largeObjectsLeft(all, entries) : []),
      ...(left.length > 0 ? [`row security policies left out because roles they name are missing: ${names}`] : []),
    ],
  };
}

/** Sends what pg_restore would do as a script; resolves only when it and the dump itself have ended well. */
export async function sendArchive(
  { dump, serverMajor, warnings }: LoadTask,
  tools: ClientTools,
  { only = null, ...shape }: Omit<RestoreShape, 'jobs' | 'path'> & { only?: readonly string[] | null },
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  const onStderr = (line: string) => warnings.push(line);
  if (shape.format === 'directory') {
    await using local = await dump.locally(signal, { only });
    await using place = await reachableFor(tools, local.path, signal);
    const args = scriptOnlyArgs({ ...shape, path: place.path });
    const script = outputOf(toolCommand(tools, 'pg_restore', args, { address: null }), { signal, onStderr });
    for await (const chunk of forServer(script, serverMajor)) await send(chunk);
    return;
  }
  const command = toolCommand(tools, 'pg_restore', scriptOnlyArgs({ ...shape, path: null }), { address: null });
  const restoring = startFed(command, await openWhole(dump, signal), { signal, stdout: 'pipe', onStderr });
  if (restoring.stdout) for await (const chunk of forServer(restoring.stdout, serverMajor)) await send(chunk);
  await restoring.done;
}

async function loadScript(task: LoadTask): Promise<void> {
  const { access, signal, application, warnings } = task;
  refuseScript(task);
  const psql = await psqlFor(task);
  const command = toolCommand(psql, 'psql', psqlArgs, { address: access.address, application });
  await feedScript(command, (send, inner) => sendScript(task, psql, send, inner), {
    signal,
    onStderr: (line) => warnings.push(line),
  });
}

/** Rejects when the script is cut off, which psql itself would not notice at the end of a line. */
export async function sendScript(
  { dump, serverMajor, warnings }: LoadTask,
  psql: ToolVersion,
  send: Send,
  signal: AbortSignal,
): Promise<void> {
  const end = watchPlainEnd();
  const script = forServer(await dump.open(signal), serverMajor);
  const told = (what: string) => warnings.push(what);
  // Whoever made it is allowed to say anything to the server, and nothing to this machine.
  const word = !dump.trusted && canRestrict(psql) ? randomBytes(16).toString('hex') : null;
  if (word !== null) await send(`\\restrict ${word}\n`);
  for await (const chunk of dump.trusted ? script : foreignScript(script, { restricted: word !== null, told })) {
    end.add(chunk);
    await send(chunk);
  }
  end.check();
  if (word !== null) await send(`\n\\unrestrict ${word}\n`);
}

/** What a script cannot do, said before anything is touched. */
export function refuseScript({
  dump,
  options,
}: Pick<LoadTask, 'dump'> & { options: Pick<LoadOptions, 'scope' | 'owners' | 'allowForeignScript'> }): void {
  if (!dump.trusted && !options.allowForeignScript) {
    throw new HoldfastError(
      'SCRIPT_FOREIGN',
      'a plain dump that was not made here is a script, and could do anything the role may',
      {
        kind: 'refused',
        hint: 'Read it first; then allow it with `--allow script`.',
      },
    );
  }
  if (options.scope) {
    throw new HoldfastError('SCOPE_IN_SCRIPT', 'no single table or schema can be taken out of a plain dump', {
      kind: 'refused',
      hint: 'Restore all of it beside the live database with `--into`, and copy what you need from there.',
    });
  }
  if (options.owners === 'none') {
    throw new HoldfastError(
      'OWNERS_IN_SCRIPT',
      'a plain dump names owners and privileges, and they cannot be left out',
      {
        kind: 'refused',
        hint: 'Restore with owners, as a role that may set them; or back up in the custom or directory format.',
      },
    );
  }
}

/** The list of contents of a dump is SQL: whoever made it lets it run with the rights of the role that loads it. A script is asked about as such. */
export async function refuseReach({
  access,
  dump,
  options,
  signal,
}: Pick<LoadTask, 'access' | 'dump' | 'options' | 'signal'>): Promise<void> {
  if (dump.trusted || dump.format === 'plain' || options.allowSuperuser) return;
  await using session = await access.connect(signal);
  const { reaches } = await session.row<{ reaches: string[] }>(`select (${reachesQuery}) as reaches`);
  if (reaches.length === 0) return;
  throw new HoldfastError(
    'IMPORT_SUPERUSER',
    `${access.address.user} may start programs and read files on the server (${reaches.join(', ')}), and so could a dump that was not made here`,
    {
      kind: 'refused',
      hint: 'Use a role without these rights for it; or, if you trust whoever made it, allow it with `--allow superuser`.',
    },
  );
}

/** The psql of the server's version; for a dump that was not made here one that cannot be made to run commands. */
export async function psqlFor({
  access,
  dump,
  options,
  serverMajor,
  signal,
}: Pick<LoadTask, 'access' | 'dump' | 'serverMajor' | 'signal'> & {
  options: Pick<LoadOptions, 'allowUnpatchedTools'>;
}): Promise<ClientTools> {
  const fitting = await access.tools({ tools: ['psql'], minimum: null, preferred: serverMajor }, signal);
  if (dump.trusted || isPatched(fitting)) return fitting;
  const newest = await access.tools({ tools: ['psql'], minimum: null, preferred: null }, signal);
  requirePatched(newest, options.allowUnpatchedTools);
  return isPatched(newest) ? newest : fitting;
}

export async function writeList(
  folder: string,
  entries: readonly { id: number }[],
  tools: ClientTools,
  signal: AbortSignal,
): Promise<{ path: string } & AsyncDisposable> {
  const path = join(folder, 'entries');
  await writeFile(path, listFile(entries), { mode: 0o600 });
  return reachableFor(tools, path, signal);
}

export async function majorOf(access: Access, signal: AbortSignal): Promise<number> {
  await using session = await access.connect(signal);
  return Number(await session.value(`select pg_catalog.current_setting('server_version_num')::int / 10000`));
}

export async function analyze(access: Access, signal: AbortSignal): Promise<void> {
  await using session = await access.connect(signal, { application: 'holdfast analyze' });
  await session.rows('analyze');
}
