import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import type { Check } from '../engine.ts';
import { failed, guarded } from '../shared/checks.ts';
import type { Access } from './connect/access.ts';
import { clockAhead } from './connect/clock.ts';
import { collationName, readCollations } from './look/collations.ts';
import type { Connection } from './connect/connection.ts';
import { serverNumber, serverVersion } from './look/facts.ts';
import { server } from './connect/faults.ts';
import { findProblems } from './look/preflight.ts';
import { selectRelations } from './look/tables.ts';
import type { ClientTools } from './connect/tools.ts';

/** Clocks further apart than this stop retention, and make times of backups misleading. */
const clockLimitMs = 5 * 60_000;
/** The oldest server this engine is tested with. */
const oldestServer = 140_000;

/** What `doctor` wants to know: can this database be dumped, and can a dump of it be proven. Never rejects but when interrupted. */
export async function checkDatabase(access: Access, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [];
  try {
    await using connection = await access.connect(signal);
    const number = await serverNumber(connection);
    checks.push(await connectionCheck(access, connection, number, signal));
    checks.push(...(await guarded('client tools', signal, () => toolsChecks(access, number, signal))));
    checks.push(...(await guarded('rights', signal, () => rightsChecks(access, connection))));
    checks.push(...(await guarded('sort order', signal, () => orderChecks(connection))));
    checks.push(...(await guarded('clock', signal, async () => [await clockCheck(access, connection)])));
    return checks;
  } catch (error) {
    if (signal.aborted) throw error;
    return [...checks, failed('connection', error)];
  }
}

async function connectionCheck(
  access: Access,
  connection: Connection,
  number: number,
  signal: AbortSignal,
): Promise<Check> {
  const { address } = access;
  const size = await connection.value('select pg_catalog.pg_database_size(pg_catalog.current_database())::text');
  const container = await access.container(signal);
  const way = container ? ` through the container ${container.name}` : '';
  const detail = `${address.database} on ${server(address)} as ${address.user}${way}: PostgreSQL ${serverVersion(number)}, ${formatBytes(Number(size))}`;
  if (number >= oldestServer) return { name: 'connection', result: 'ok', detail };
  return {
    name: 'connection',
    result: 'warning',
    detail,
    hint: 'Servers older than 14 are not tested; update the server.',
  };
}

async function toolsChecks(access: Access, number: number, signal: AbortSignal): Promise<Check[]> {
  const major = Math.floor(number / 10_000);
  const wish = { minimum: major, preferred: major };
  const dump = await access.tools({ ...wish, tools: ['pg_dump'] }, signal);
  const restore = await access.tools({ ...wish, tools: ['pg_restore', 'psql'] }, signal);
  const codecs = [...(await dump.codecs(['gzip', 'lz4', 'zstd'], signal))].toSorted().join(', ');
  const checks: Check[] = [
    {
      name: 'dump tools',
      result: 'ok',
      detail: `pg_dump ${dump.version} (${placeOf(dump)}), compresses with ${codecs}`,
    },
    { name: 'restore tools', result: 'ok', detail: `pg_restore and psql ${restore.version} (${placeOf(restore)})` },
  ];
  if (dump.paths.pg_dumpall === null && access.settings.dump.globals !== false) {
    checks.push({
      name: 'roles and tablespaces',
      result: access.settings.dump.globals === true ? 'failed' : 'warning',
      detail: 'pg_dumpall was not found beside pg_dump',
      hint: 'Install the whole client package, or set dump.globals: false.',
    });
  }
  if (dump.major > major) {
    checks.push({
      name: 'tool version',
      result: 'warning',
      detail: `pg_dump ${dump.version} is newer than the server ${major}: its dumps may not load into a server ${major} by hand`,
      hint: `Install the client tools of version ${major}.`,
    });
  }
  return checks;
}

function placeOf(tools: ClientTools): string {
  if (tools.container) return `in the container ${tools.container.name}`;
  const path = tools.paths.pg_dump ?? tools.paths.pg_restore ?? '';
  return path.slice(0, path.lastIndexOf('/')) || path;
}

async function rightsChecks(access: Access, connection: Connection): Promise<Check[]> {
  const { dump } = access.settings;
  await connection.rows(`set lock_timeout = ${dump.lockTimeoutMs}`);
  const selection = await selectRelations(connection, dump.exclude);
  const problems = await findProblems(connection, selection);
  const checks: Check[] = problems.map(({ message, hint }) => ({
    name: 'rights',
    result: 'failed',
    detail: message,
    hint,
  }));
  if (checks.length === 0)
    checks.push({ name: 'rights', result: 'ok', detail: `${access.address.user} may read everything` });
  for (const pattern of selection.unused) {
    checks.push({
      name: 'dump.exclude',
      result: 'warning',
      detail: `${pattern} matches nothing`,
      hint: 'Correct or remove it.',
    });
  }
  const { creates, passwords } = await connection.row<{ creates: boolean; passwords: boolean }>(
    `select rolcreatedb or rolsuper as creates, pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select') as passwords
     from pg_catalog.pg_roles where rolname = current_user`,
  );
  if (!creates) {
    checks.push({
      name: 'scratch databases',
      result: 'warning',
      detail: `${access.address.user} may not create databases: drills and restores beside the original are not possible on this server`,
      hint: 'Grant CREATEDB to the role, or use a temporary server for drills.',
    });
  }
  if (!passwords && dump.globals !== false) {
    checks.push({
      name: 'roles and tablespaces',
      result: 'warning',
      detail: `roles are stored without their passwords: ${access.address.user} may not read them`,
      hint: 'Use a superuser, or set dump.globals: false.',
    });
  }
  return checks;
}

/** Only where something is wrong: nobody wants to read of it every time. */
async function orderChecks(connection: Connection): Promise<Check[]> {
  const { collations, indexes } = await readCollations(connection, { everything: false });
  const differing = collations.filter(({ state }) => state === 'differs');
  if (differing.length === 0) return [];
  return [
    {
      name: 'sort order',
      result: 'warning',
      detail: `the system sorts ${differing.map(collationName).join(', ')} differently than when ${formatCount(indexes.length)} of the indexes were built`,
      hint: 'Rows may not be found, and unique values get in twice: see `holdfast collation check`.',
    },
  ];
}

async function clockCheck(access: Access, connection: Connection): Promise<Check> {
  const apart = Math.abs(await clockAhead(access, connection));
  const detail = `the server's clock and ours are ${formatDuration(apart)} apart`;
  if (apart <= clockLimitMs) return { name: 'clock', result: 'ok', detail };
  return {
    name: 'clock',
    result: 'failed',
    detail,
    hint: 'Set both clocks, best by NTP: times decide what retention removes.',
  };
}
