import { withTimeout } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { formatDuration } from '../../../base/units.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';
import { displayName, quoteIn } from '../connect/names.ts';
import type { Relation } from '../look/tables.ts';

/** The one moment everything of a dump shows. */
export interface Moment {
  /** Sessions that see it. Two where nobody could be kept from writing: one sees just before it, the other just after. */
  sessions: readonly [Connection] | readonly [Connection, Connection];
  isolation: 'consistent-snapshot-locked' | 'consistent-snapshot';
}

export interface MomentWish {
  access: Access;
  /** The right to lock everything is there. */
  mayLock: boolean;
  /** Locked against changes by somebody else: found before anything else has to wait. */
  tables: readonly Relation[];
  /** Starts the tools; resolves when each has its snapshot. */
  begin: (signal: AbortSignal) => Promise<void>;
}

/**
 * A lock on all writing of the server is held while every session opens its snapshot: some hundredths of a second. Open transactions
 * need not end; what they have not committed belongs to nobody's snapshot.
 */
export async function takeMoment(
  wish: MomentWish,
  resources: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Moment> {
  const { access } = wish;
  const { lockTimeoutMs } = access.settings.dump;
  const seconds = Math.max(1, Math.ceil(lockTimeoutMs / 1000));
  const first = resources.use(await access.connect(signal));
  await first.rows(`SET SESSION lock_wait_timeout = ${seconds}, innodb_lock_wait_timeout = ${seconds}`);
  await refuseLocked(access, first, wish.tables, signal);
  if (!wish.mayLock) {
    await startSnapshot(first);
    await wish.begin(signal);
    const second = resources.use(await access.connect(signal));
    await startSnapshot(second);
    return { sessions: [first, second], isolation: 'consistent-snapshot' };
  }
  // Whatever happens, the lock ends with this session.
  await using locker = await access.connect(signal);
  await locker.rows(`SET SESSION lock_wait_timeout = ${seconds}`);
  await locker.rows('FLUSH TABLES WITH READ LOCK').catch((error: unknown) => {
    if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_LOCKED') throw error;
    throw new HoldfastError(
      'DATABASE_LOCKED',
      `the server could not be locked for the moment of the snapshot within ${formatDuration(lockTimeoutMs)}`,
      {
        cause: error,
        retryable: true,
        hint: 'A long statement holds it up (SHOW PROCESSLIST names it); wait until it is done, or raise dump.lockTimeout.',
      },
    );
  });
  using limit = withTimeout(signal, Math.max(lockTimeoutMs, 5000), () => {
    return new HoldfastError(
      'DATABASE_TIMEOUT',
      'the dump did not begin in time, and nobody is kept from writing longer',
      {
        retryable: true,
        hint: 'See what slows the server down, or raise dump.lockTimeout.',
      },
    );
  });
  await startSnapshot(first);
  await wish.begin(limit.signal);
  await locker.rows('UNLOCK TABLES');
  return { sessions: [first], isolation: 'consistent-snapshot-locked' };
}

async function startSnapshot(session: Connection): Promise<void> {
  await session.rows('SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ');
  await session.rows('START TRANSACTION WITH CONSISTENT SNAPSHOT');
}

/** The tools have no time limit of their own: they would wait for a table as long as the server lets them, which is a day. */
async function refuseLocked(
  access: Access,
  session: Connection,
  tables: readonly Relation[],
  signal: AbortSignal,
): Promise<void> {
  const { database } = access.address;
  const look = (some: readonly Relation[]) =>
    session.rows(some.map(({ name }) => `(SELECT 1 FROM ${quoteIn(database, name)} LIMIT 0)`).join(' UNION ALL '));
  for (let at = 0; at < tables.length; at += 50) {
    const some = tables.slice(at, at + 50);
    try {
      await look(some);
    } catch (error) {
      if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_LOCKED') throw error;
      await session.rows('SET SESSION lock_wait_timeout = 1');
      for (const table of some) {
        await look([table]).catch((cause: unknown) => {
          if (signal.aborted || !(cause instanceof HoldfastError) || cause.code !== 'DATABASE_LOCKED') throw cause;
          throw new HoldfastError(
            'DATABASE_LOCKED',
            `the table ${displayName(table.name)} stayed locked for ${formatDuration(access.settings.dump.lockTimeoutMs)} by another session`,
            {
              cause,
              retryable: true,
              hint: 'Another session changes the table; wait until it is done, or raise dump.lockTimeout.',
              details: { object: displayName(table.name) },
            },
          );
        });
      }
      throw error;
    }
  }
}
