import { HoldfastError } from '../../../base/errors.ts';
import type { DatabaseFacts, ServerFacts, TargetFacts } from '../../engine.ts';
import { viaOf, type Access } from '../connect/access.ts';
import { readAccount } from '../look/account.ts';
import { readFacts } from '../look/facts.ts';
import { mayGlobally, mayInAll } from '../look/grants.ts';
import { keptFromChanges } from '../look/read-only.ts';
import { numberOf } from '../connect/server-version.ts';
import { sessionsIn } from '../look/sessions.ts';
import { listRelations } from '../look/tables.ts';

/** The database as it is, and the tool that would dump it. */
export async function probe(access: Access, signal: AbortSignal): Promise<DatabaseFacts> {
  await using session = await access.connect(signal);
  const tool = await access.tool('dump', session, signal);
  return await readFacts(session, await listRelations(session, access.address.database), {
    version: tool.version,
    via: viaOf(tool.container),
  });
}

/** What there is on the server, whether or not the database itself exists. */
export async function serverFacts(access: Access, signal: AbortSignal): Promise<ServerFacts> {
  await using session = await access.connect(signal, { database: null });
  const account = await readAccount(session);
  const { database } = access.address;
  const kept = await keptFromChanges(session, account);
  const databases = await session.rows<{ name: string }>(
    'SELECT SCHEMA_NAME AS name FROM information_schema.SCHEMATA ORDER BY 1',
  );
  const engines = await session.rows<{ name: string }>(
    "SELECT ENGINE AS name FROM information_schema.ENGINES WHERE SUPPORT IN ('YES', 'DEFAULT') ORDER BY 1",
  );
  return {
    version: numberOf(await session.value('SELECT VERSION()')),
    role: account.name,
    superuser: account.superuser,
    // Every dump that was not made here is a script, which is asked about anyway.
    reaches: [],
    // A right to names of a pattern (`shop%`) serves as well: the names of ours begin with the database's own.
    mayNotCreate:
      kept ??
      (mayGlobally(account.grants, 'CREATE') || mayInAll(account.grants, 'CREATE', `${database}_restoring_20000101`)
        ? null
        : {
            reason: `${account.name} may not create databases`,
            hint: `Grant it CREATE, at least on names that begin with ${database}.`,
          }),
    mayNotChange: kept,
    // Databases and tables have no owner here.
    memberOf: ['', account.name],
    roles: [account.name],
    extensions: engines.map(({ name }) => ({ name, version: '' })),
    databases: databases.map(({ name }) => name),
  };
}

/** What a server says of itself, not the address it is reached by; which of these there are depends on the product. */
export async function identity(access: Access, signal: AbortSignal): Promise<string> {
  await using session = await access.connect(signal, { database: null });
  const rows = await session.rows<{ Variable_name: string; Value: string }>(
    `SHOW GLOBAL VARIABLES WHERE Variable_name IN
     ('server_uuid', 'server_uid', 'hostname', 'port', 'socket', 'datadir', 'pid_file', 'lower_case_table_names')`,
  );
  const said = new Map(rows.map((row) => [row.Variable_name, row.Value]));
  const { database } = access.address;
  const name = said.get('lower_case_table_names') === '0' ? database : database.toLowerCase();
  return JSON.stringify([...[...said].map((each) => each.join('=')).toSorted(), name]);
}

/** Null when the database does not exist. */
export async function targetFacts(access: Access, signal: AbortSignal): Promise<TargetFacts | null> {
  try {
    await using session = await access.connect(signal);
    const relations = await listRelations(session, access.address.database);
    return {
      facts: await readFacts(session, relations, { version: '', via: viaOf(await access.container(signal)) }),
      sessions: await sessionsIn(session, [access.address.database]),
      relations: relations.length,
    };
  } catch (error) {
    if (error instanceof HoldfastError && error.code === 'DATABASE_MISSING') return null;
    throw error;
  }
}
