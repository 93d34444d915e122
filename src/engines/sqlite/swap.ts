import { rm, stat } from 'node:fs/promises';
import { throwIfAborted, withGrace } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { busyMs, type Access } from './access.ts';
import { refuseHalfSwapped, settleBack } from './half-swap.ts';
import type { Exchanged, ExchangeNames } from './process/exchange.ts';
import { noteOf, restName } from './rest.ts';
import { startSession } from './session.ts';
import { usersOf, type User } from './users.ts';

/**
 * Renames under an exclusive lock. Nobody can be disconnected from a file: a program that has it open goes on with the old one under its
 * new name, and what it writes would be lost. So it must be stopped first, whatever was asked for.
 */
export async function swap(
  access: Access,
  names: { replacement: string; previous: string | null },
  signal: AbortSignal,
): Promise<void> {
  const live = await access.locate();
  const replacement = await access.named(names.replacement).locate();
  const previous = names.previous === null ? null : await access.named(names.previous).locate();
  const paths = { live, replacement, previous };
  await expectFile(replacement);
  await refuseHalfSwapped(access);
  if (previous !== null) await expectFree(previous);
  const restored = await identityOf(replacement);
  const rest = previous === null ? await restOf(live) : [];
  try {
    await refuseUsers(paths);
    throwIfAborted(signal);
    // From here on nobody is interrupted: an exchange that was cut off could have happened or not.
    using together = withGrace(signal, graceMs);
    if ((await exchange(access, paths, false, together.signal)) === 'unlockable')
      await exchangeUnlocked(access, paths, together.signal);
    tellRest(access, rest, replacement);
  } catch (error) {
    // The process may have ended between the exchange and its answer.
    if (restored !== null && (await identityOf(live)) === restored) return finish(paths);
    await settleBack(paths);
    throw withWayOut(toHoldfastError(error), paths);
  }
}

/** How long an exchange may go on after an interruption: it waits for locks, and for the disk. */
const graceMs = 60_000;

/** What a database that is gone has left behind. */
async function restOf(live: string): Promise<string[]> {
  const found = await Promise.all(
    ['-wal', '-journal'].map(async (ending) => ((await identityOf(live + ending)) === null ? [] : [ending])),
  );
  return found.flat();
}

function tellRest({ context }: Access, rest: readonly string[], replacement: string): void {
  for (const ending of rest) {
    const name = restName(replacement) + ending;
    context.logger.log(
      'warn',
      `the database that was there before left ${name}, which is kept and not part of what was restored`,
    );
  }
}

/** What stays the same when a file gets another name. */
async function identityOf(path: string): Promise<string | null> {
  const stats = await stat(path, { bigint: true }).catch(() => null);
  return stats && `${stats.dev}:${stats.ino}`;
}

/** Where nothing lived, the replacement got its second name, and still has its first. */
async function finish({ live, replacement, previous }: ExchangeNames): Promise<void> {
  await rm(previous === null ? replacement : noteOf(live), { force: true });
}

async function exchangeUnlocked(access: Access, paths: ExchangeNames, signal: AbortSignal): Promise<void> {
  access.context.logger.log(
    'warn',
    `${paths.live} is damaged and cannot be locked; it is kept with everything beside it`,
  );
  await exchange(access, paths, true, signal);
}

async function exchange(
  access: Access,
  paths: ExchangeNames,
  unlocked: boolean,
  signal: AbortSignal,
): Promise<Exchanged> {
  await using session = startSession(paths.live);
  const done = await session.ask('exchange', { ...paths, unlocked, busyMs: busyMs(access) }, signal);
  if (done === 'in-use') throw inUse(paths.live, await usersOf(paths.live));
  return done;
}

async function refuseUsers({ live, replacement }: ExchangeNames): Promise<void> {
  const users = [...(await usersOf(live)), ...(await usersOf(replacement))];
  if (users.length > 0) throw inUse(live, users);
}

function inUse(path: string, users: readonly User[]): HoldfastError {
  const list = users.slice(0, 5).map(({ pid, program }) => `${program || 'a program'} (process ${pid})`);
  const who =
    list.length === 0 ? 'a program that cannot be seen from here, perhaps in another container' : list.join(', ');
  return new HoldfastError('SESSIONS_CONNECTED', `${path} is in use by ${who}`, {
    kind: 'refused',
    hint: 'Stop the application first: a program cannot be disconnected from a file, and what it wrote from now on would be lost.',
    details: { sessions: users },
  });
}

async function expectFile(path: string): Promise<void> {
  await stat(path).catch((error: unknown) => {
    throw new HoldfastError('DATABASE_MISSING', `there is no file ${path}`, { cause: error });
  });
}

async function expectFree(path: string): Promise<void> {
  const taken = await stat(path).then(
    () => true,
    () => false,
  );
  if (taken)
    throw new HoldfastError('DATABASE_EXISTS', `the file ${path} exists already`, { hint: 'Remove it first.' });
}

function withWayOut(error: HoldfastError, { live, replacement, previous }: ExchangeNames): HoldfastError {
  const away = previous === null ? '' : `mv -n ${quoted(live)} ${quoted(previous)} && `;
  const command = `${away}mv -n ${quoted(replacement)} ${quoted(live)}`;
  return new HoldfastError(error.code, error.message, {
    kind: error.kind,
    cause: error,
    retryable: error.retryable,
    hint: `${live} is as it was, and the restored database is there as ${replacement}. ${error.hint ?? ''} To finish by hand, while nobody uses it: ${command}`.replace(
      '  ',
      ' ',
    ),
    details: { ...error.details, command },
  });
}

function quoted(path: string): string {
  return /^[\w@%+=:,./-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}
