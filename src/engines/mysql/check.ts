import { formatBytes, formatDuration } from '../../base/units.ts';
import type { Check } from '../engine.ts';
import { failed, guarded } from '../shared/checks.ts';
import { viaOf, type Access } from './connect/access.ts';
import { mayMakeFunctions, readAccount, type Account } from './look/account.ts';
import type { Connection } from './connect/connection.ts';
import { readFacts } from './look/facts.ts';
import { server } from './connect/faults.ts';
import { mayGlobally, mayInAll } from './look/grants.ts';
import { refuseHalfSwapped } from './swap/half-swap.ts';
import { exactly } from './connect/kept-names.ts';
import { accountSql } from './connect/names.ts';
import { lookAhead } from './look/preflight.ts';
import { clockAhead } from './connect/ready.ts';
import { replacesRoutines } from './look/routine-fates.ts';
import { dropsRights, readRoutineGrants } from './look/routine-grants.ts';
import { flavourOf, numberOf } from './connect/server-version.ts';
import { keptFromChanges } from './look/read-only.ts';
import { listRelations, select } from './look/tables.ts';
import { seriesOf } from './connect/tool-version.ts';
import type { ClientTool } from './connect/tools.ts';

/** Clocks further apart than this stop retention, and make times of backups misleading. */
const clockLimitMs = 5 * 60_000;
const smallPacket = 64 * 1024 * 1024;

/** What `doctor` wants to know: can this database be dumped, and can a dump of it be proven. Never rejects but when interrupted. */
export async function checkDatabase(access: Access, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [];
  try {
    await using session = await access.connect(signal);
    const version = await session.value('SELECT VERSION()');
    const account = await readAccount(session);
    checks.push(await connectionCheck(access, session, version, await access.container(signal)));
    checks.push(...(await guarded('unfinished swap', signal, () => halfSwapChecks(session, access.address.database))));
    checks.push(...(await guarded('client tools', signal, () => toolsChecks(access, session, version, signal))));
    checks.push(...(await guarded('rights', signal, () => rightsChecks(access, session, account, version, signal))));
    checks.push(...(await guarded('restores', signal, () => restoreChecks(access, session, account))));
    checks.push(...(await guarded('clock', signal, async () => [await clockCheck(access, session)])));
    return checks;
  } catch (error) {
    if (signal.aborted) throw error;
    return [...checks, failed('connection', error)];
  }
}

async function connectionCheck(
  access: Access,
  session: Connection,
  version: string,
  container: { name: string } | null,
): Promise<Check> {
  const { address } = access;
  const relations = await listRelations(session, address.database);
  const { sizeBytes } = await readFacts(session, relations, { version: '', via: viaOf(container) });
  const product = flavourOf(version) === 'mariadb' ? 'MariaDB' : 'MySQL';
  const way = container ? ` through the container ${container.name}` : '';
  const detail = `${address.database} on ${server(address)}${way} as ${address.user}: ${product} ${numberOf(version)}, ${formatBytes(sizeBytes)}${session.encrypted ? ', TLS' : ''}`;
  const oldest = product === 'MariaDB' ? 10_006 : 8000;
  if (seriesOf(numberOf(version)) >= oldest) return { name: 'connection', result: 'ok', detail };
  const hint = 'Servers older than MariaDB 10.6 and MySQL 8.0 get no repairs any more; update the server.';
  return { name: 'connection', result: 'warning', detail, hint };
}

/** Only what is wrong is worth a line. */
async function halfSwapChecks(session: Connection, database: string): Promise<Check[]> {
  await refuseHalfSwapped(session, database);
  return [];
}

async function toolsChecks(
  access: Access,
  session: Connection,
  version: string,
  signal: AbortSignal,
): Promise<Check[]> {
  const dump = await access.tool('dump', session, signal);
  const client = await access.tool('client', session, signal);
  const checks = [toolCheck('dump tool', dump), toolCheck('restore tool', client)];
  if (dump.flavour !== flavourOf(version)) {
    const detail = `${placed(dump)} is MariaDB's, the server is MySQL's`;
    checks.push({ name: 'tool version', result: 'warning', detail, hint: "Install MySQL's own client tools." });
  } else if (seriesOf(dump.version) < seriesOf(numberOf(version))) {
    const detail = `${placed(dump)} ${dump.version} is older than the server ${numberOf(version)} and may not know what is new there`;
    checks.push({
      name: 'tool version',
      result: 'warning',
      detail,
      hint: "Install client tools of the server's version.",
    });
  }
  return checks;
}

/** Where to find it. */
function placed({ path, container }: ClientTool): string {
  return container ? `${path} in the container ${container.name}` : path;
}

function toolCheck(name: string, tool: ClientTool): Check {
  const product = tool.flavour === 'mariadb' ? 'MariaDB' : 'MySQL';
  return { name, result: 'ok', detail: `${placed(tool)}: ${product} ${tool.version}` };
}

async function rightsChecks(
  access: Access,
  session: Connection,
  account: Account,
  version: string,
  signal: AbortSignal,
): Promise<Check[]> {
  // That there is none is told by the check of the tools.
  const dump = await access.tool('dump', session, signal).catch(() => null);
  const selection = select(await listRelations(session, access.address.database), access.settings.dump.exclude);
  const flavour = flavourOf(version);
  const products = { flavour, tool: dump?.flavour ?? flavour };
  const { problems, warnings } = await lookAhead(session, account, selection, products);
  const checks: Check[] = problems.map(({ code, message, hint }) => ({
    name: code === 'TOOL_LACKS_FEATURE' ? 'dump tool' : 'rights',
    result: 'failed',
    detail: message,
    hint,
  }));
  if (checks.length === 0) checks.push({ name: 'rights', result: 'ok', detail: `${account.name} may read everything` });
  checks.push(...warnings.map((detail): Check => ({ name: 'completeness', result: 'warning', detail })));
  for (const pattern of selection.unused) {
    const detail = `${pattern} matches nothing`;
    checks.push({ name: 'dump.exclude', result: 'warning', detail, hint: 'Correct or remove it.' });
  }
  return checks;
}

/** What a restore on this server would stumble over, long before anybody needs one. */
async function restoreChecks(access: Access, session: Connection, account: Account): Promise<Check[]> {
  const { database } = access.address;
  const checks: Check[] = [];
  const warn = (name: string, detail: string, hint: string) => checks.push({ name, result: 'warning', detail, hint });
  const kept = await keptFromChanges(session, account);
  if (kept)
    warn(
      'restores',
      `${kept.reason}: drills and restores are not possible on this server`,
      'Use a temporary server for drills, and restore on the primary.',
    );
  const creates = (name: string) => mayGlobally(account.grants, 'CREATE') || mayInAll(account.grants, 'CREATE', name);
  if (!creates(`${database}_restoring_20000101`)) {
    warn(
      'scratch databases',
      `${account.name} may not create databases: drills and restores beside the original are not possible on this server`,
      `GRANT ALL ON \`${database.replaceAll(/[_%]/g, '\\$&')}\\_%\`.* to it, or use a temporary server for drills.`,
    );
  }
  if (!account.superuser && !mayGlobally(account.grants, 'PROCESS')) {
    warn(
      'sessions',
      `${account.name} sees no sessions of other users: a swap cannot tell whether an application is connected`,
      `GRANT PROCESS ON *.* to it, and CONNECTION ADMIN (MySQL: CONNECTION_ADMIN) to end them; or stop the application yourself.`,
    );
  }
  const packet = Number(await session.value('SELECT @@GLOBAL.max_allowed_packet'));
  if (!(await mayMakeFunctions(session, account))) {
    warn(
      'functions and triggers',
      `the server writes a binary log and lets ${account.name} create no functions or triggers: a restore with some would fail`,
      'Set log_bin_trust_function_creators=1 on the server.',
    );
  }
  if (await losesRoutineRights(session, database)) {
    warn(
      'rights to routines',
      `${account.name} cannot see who may call single routines: a restore that changes one takes these rights away`,
      `GRANT SELECT ON mysql.procs_priv TO ${accountSql(account.name)};`,
    );
  }
  if (packet < smallPacket) {
    warn(
      'largest row',
      `the server takes statements up to ${formatBytes(packet)}; a row of half of it may be more as text`,
      'Set max_allowed_packet=1G on the server where it is to be restored.',
    );
  }
  if (checks.length === 0) checks.push({ name: 'restores', result: 'ok', detail: 'nothing in the way on this server' });
  return checks;
}

async function losesRoutineRights(session: Connection, database: string): Promise<boolean> {
  if ((await replacesRoutines(session)) || !(await dropsRights(session))) return false;
  const own = `SELECT COUNT(*) FROM information_schema.ROUTINES WHERE ${await exactly(session, 'routine_schema')} = ?`;
  if (Number(await session.value<number | string>(own, [database])) === 0) return false;
  return (await readRoutineGrants(session, database)) === null;
}

async function clockCheck(access: Access, session: Connection): Promise<Check> {
  const apart = Math.abs(await clockAhead(access, session));
  const detail = `the server's clock and ours are ${formatDuration(apart)} apart`;
  if (apart <= clockLimitMs) return { name: 'clock', result: 'ok', detail };
  const hint = 'Set both clocks, best by NTP: times decide what retention removes.';
  return { name: 'clock', result: 'failed', detail, hint };
}
