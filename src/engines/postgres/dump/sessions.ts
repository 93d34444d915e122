import { pause } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import type { Access } from '../connect/access.ts';
import type { Connection } from '../connect/connection.ts';

const expectMs = 5000;
const endMs = 10_000;

interface Another {
  access: Access;
  application: string;
  signal: AbortSignal;
}

/** Asks the session that is open anyway, in its transaction, or a new one where that was lost meanwhile: hours may have gone by. */
export async function onSession<T>(
  open: Connection,
  another: Another,
  ask: (session: Connection) => Promise<T>,
): Promise<T> {
  const { access, application, signal } = another;
  if (await answers(open)) return ask(open);
  await using connection = await access.connect(signal, { application });
  await connection.rows('begin isolation level read committed read only');
  return await ask(connection);
}

function answers(session: Connection): Promise<boolean> {
  return session.rows('select').then(
    () => true,
    () => false,
  );
}

/** After a tool has ended: waits a moment for its sessions to go, and ends and reports those that do not. */
export async function expectNoSessions(
  connection: Connection,
  application: string,
  signal: AbortSignal,
): Promise<void> {
  const names = [application];
  if (await goneWithin(connection, names, expectMs, signal)) return;
  await terminate(connection, names);
  throw new HoldfastError(
    'DUMP_SURVIVORS',
    'processes of the dump went on working on the server after the tool had ended',
    {
      hint: 'The dump cannot be trusted; try again.',
      retryable: true,
    },
  );
}

/** Ends what a run left on the server, also when the run's own signal has long fired. */
export async function endSessions(access: Access, application: string): Promise<void> {
  const signal = AbortSignal.timeout(endMs);
  await using connection = await access.connect(signal, { application: `${application} end` });
  const names = ['dump', 'globals', 'count', 'snapshot'].map((what) => `${application} ${what}`);
  if (await goneWithin(connection, names, 1000, signal)) return;
  await terminate(connection, names);
  await goneWithin(connection, names, endMs, signal);
}

async function goneWithin(
  connection: Connection,
  names: readonly string[],
  ms: number,
  signal: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + ms;
  for (let wait = 5; ; wait = Math.min(wait * 2, 200)) {
    // In an open transaction the server shows again and again what it showed first.
    await connection.rows('select pg_catalog.pg_stat_clear_snapshot()');
    const left = await connection.value(
      'select pg_catalog.count(*)::text from pg_catalog.pg_stat_activity where application_name = any ($1::text[])',
      [names],
    );
    if (left === '0') return true;
    if (performance.now() > deadline) return false;
    await pause(wait, signal);
  }
}

async function terminate(connection: Connection, names: readonly string[]): Promise<void> {
  await connection.rows(
    `select pg_catalog.pg_terminate_backend(pid) from pg_catalog.pg_stat_activity where application_name = any ($1::text[])`,
    [names],
  );
}
