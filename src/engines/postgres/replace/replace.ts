import { randomBytes } from 'node:crypto';
import { abortReason, throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { toolFailure } from '../../../base/run-process.ts';
import type { Counts, LoadOptions, StoredDump } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { refuseGuess } from '../../shared/container.ts';
import { filesOf } from '../read/dump-files.ts';
import { endSessions } from '../load/end-sessions.ts';
import { feedScript, type Send } from '../load/feed-script.ts';
import {
  majorOf,
  psqlFor,
  refuseReach,
  refuseScript,
  sendArchive,
  sendScript,
  writeList,
  type Loaded,
  type LoadTask,
} from '../load/load.ts';
import { askPatiently, uncertain } from '../load/outcome.ts';
import { requirePatched } from '../connect/patch-level.ts';
import { tocOf } from '../read/read-through.ts';
import { planReplacement, planScript } from './plan.ts';
import type { Replacement } from './replacement.ts';
import { afterScript, beginStatements, checkStatements, differsMark } from './statements.ts';
import { psqlArgs } from '../load/restore-args.ts';
import { deadlock, restoreError } from '../load/restore-errors.ts';
import { withoutLastCommit } from '../load/script-transactions.ts';
import { planTablespaces } from '../load/tablespaces.ts';
import { toolCommand } from '../connect/tool-command.ts';
import type { ToolVersion } from '../connect/tool-version.ts';
import type { ClientTools } from '../connect/tools.ts';

interface Replacing {
  options: LoadOptions;
  expected: Counts;
  beforeCommit: (() => Promise<void>) | undefined;
}

/**
 * Replaces content inside the live database: one psql, one transaction, fed with what pg_restore would do. The commit is only sent when
 * pg_restore has ended with status 0, the dump's own bytes were right to the end, and rows and positions are those of the backup.
 */
export async function replace(
  access: Access,
  dump: StoredDump,
  { options, expected, beforeCommit }: Replacing,
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
  const psql = await psqlFor(task);
  await using source = dump.format === 'plain' ? await fromScript(task, psql) : await fromArchive(task);
  await using folder = await access.folder();
  warnings.push(...source.plan.warnings);
  let transaction: string | null = null;
  const told = Promise.withResolvers<void>();
  const command = toolCommand(psql, 'psql', psqlArgs, { address: access.address, application });
  try {
    await feedScript(
      command,
      async (send, inner) => {
        await sendAll(send, [...beginStatements(access.settings.dump.lockTimeoutMs), ...source.plan.before]);
        await source.send(send, inner, folder.path);
        await sendAll(send, [...afterScript, ...source.plan.after, ...checkStatements(expected)]);
        await send(sayTransaction);
        // It says so only when everything before went well.
        await orAborted(told.promise, inner);
        await beforeCommit?.();
        await sendAll(send, ['COMMIT']);
      },
      {
        signal,
        onStderr: (line) => warnings.push(line.replace(/^psql:<stdin>:\d+: WARNING: +/, '')),
        onSaid: (last) => {
          transaction = saidTransaction.exec(last)?.[1] ?? transaction;
          if (transaction !== null) told.resolve();
        },
      },
    );
    return { warnings };
  } catch (error) {
    await endSessions(access, application);
    // The answer to COMMIT may be what was lost, or interrupted.
    if (transaction !== null && (await hasCommitted(access, transaction, error))) return { warnings };
    throwIfAborted(signal);
    throw replaceError(error, access);
  }
}

// Results go nowhere in this psql, so it is told to say this one.
const sayTransaction = `SELECT pg_catalog.txid_current() AS holdfast_transaction \\gset\n\\echo holdfast-transaction :holdfast_transaction\n`;
const saidTransaction = /holdfast-transaction (\d+)/;

async function orAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>();
  const stop = () => aborted.reject(abortReason(signal));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

async function hasCommitted(access: Access, transaction: string, cause: unknown): Promise<boolean> {
  const status = await askPatiently(async (signal) => {
    await using session = await access.connect(signal);
    const found = await session.value<string | null>(`select pg_catalog.txid_status(${transaction})`);
    if (found === 'in progress') throw new Error('its session is still there');
    return found ?? 'unknown';
  });
  if (status === 'committed' || status === 'aborted') return status === 'committed';
  const { database } = access.address;
  throw uncertain(
    `the restored content of ${database} was committed`,
    cause,
    `Look into ${database}: all of it is as before, or all is restored.`,
  );
}

interface Source extends AsyncDisposable {
  plan: Replacement;
  send(send: Send, signal: AbortSignal, folder: string): Promise<void>;
}

async function fromArchive(task: LoadTask): Promise<Source> {
  const { access, dump, options, serverMajor, signal } = task;
  if (dump.format === 'plain') throw new Error('a script is no archive');
  const { format } = dump;
  const toc = await tocOf(dump, signal);
  const tools = await restoringTools(task, toc.readableFrom);
  await using session = await access.connect(signal);
  const plan = await planReplacement(session, toc.entries, options);
  const { tablespaces, warnings } = await planTablespaces(session, plan.entries);
  plan.warnings.push(...warnings);
  const only = options.scope && filesOf(plan.entries);
  // Fetched now, and not while tables are locked.
  const local = format === 'directory' ? await dump.locally(signal, { only }) : null;
  const here: StoredDump = local ? { ...dump, locally: async () => ({ path: local.path, ...nothingToRemove }) } : dump;
  return {
    plan,
    send: async (send, inner, folder) => {
      if (plan.entries.length === 0) return;
      await using list = await writeList(folder, plan.entries, tools, inner);
      const { owners } = options;
      const shape = { format, owners, tablespaces, list: list.path, singleTransaction: true, only };
      const held = withoutLastCommit(send);
      await sendArchive({ ...task, dump: here, serverMajor }, tools, shape, held.send, inner);
      await held.end();
    },
    [Symbol.asyncDispose]: async () => local?.[Symbol.asyncDispose](),
  };
}

const nothingToRemove: AsyncDisposable = { [Symbol.asyncDispose]: async () => undefined };

/** Its script goes through psql, so names with line ends must not be able to say anything to it. */
async function restoringTools(
  { access, dump, options, serverMajor, signal }: LoadTask,
  minimum: number,
): Promise<ClientTools> {
  const tools = await access.tools({ tools: ['pg_restore'], minimum, preferred: serverMajor }, signal);
  if (!dump.trusted) requirePatched(tools, options.allowUnpatchedTools);
  return tools;
}

async function fromScript(task: LoadTask, psql: ToolVersion): Promise<Source> {
  refuseScript(task);
  await using session = await task.access.connect(task.signal);
  return {
    plan: await planScript(session, task.dump, task.options, task.signal),
    send: (send, inner) => sendScript(task, psql, send, inner),
    ...nothingToRemove,
  };
}

async function sendAll(send: Send, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await send(`${statement};\n`);
}

function replaceError(error: unknown, access: Access): unknown {
  const stderr = toolFailure(error)?.stderr ?? '';
  const differs = new RegExp(`ERROR: +${differsMark}(.+)`).exec(stderr)?.[1];
  if (differs !== undefined) {
    return new HoldfastError('RESTORE_DIFFERS', `the restored data is not what was backed up: ${differs}`, {
      kind: 'integrity',
      cause: error,
      hint: 'Everything is as it was before. Try another backup; `holdfast drill` tells which ones come back whole.',
    });
  }
  const orphan = /ERROR: +(.*violates foreign key constraint.*)\n(?:DETAIL: +(.*))?/.exec(stderr);
  if (orphan) {
    return new HoldfastError(
      'RESTORE_ORPHANS',
      `the restored rows do not fit to the others: ${orphan[1]}${orphan[2] ? `: ${orphan[2]}` : ''}`,
      {
        kind: 'refused',
        cause: error,
        hint: 'Everything is as it was before. Name the tables on the other side of the key as well.',
      },
    );
  }
  if (deadlock.test(stderr)) {
    return new HoldfastError(
      'DATABASE_LOCKED',
      'a client held what was to be replaced, and waited for it: deadlock detected',
      {
        cause: error,
        hint: 'Everything is as it was before. Stop the application and restore again, or restore by swap, which waits for nobody.',
        retryable: true,
      },
    );
  }
  return restoreError(error, access.address);
}
