import type { Draft } from './preset.ts';

const engines: Readonly<Record<string, string>> = {
  postgres: 'postgres',
  postgresql: 'postgres',
  mysql: 'mysql',
  mariadb: 'mariadb',
  sqlite: 'sqlite',
};

/** The database in the words of NocoBase; returns its engine. */
export function nocobaseDatabase(draft: Draft, within: (path: string) => string): string {
  const engine = engineOf(draft);
  if (draft.said('DB_DIALECT')) draft.own('database.engine', engine, 'DB_DIALECT');
  if (engine === 'postgres') draft.own('dump.format', 'custom');
  if (engine === 'sqlite') arrangeFile(draft, within);
  else arrangeServer(draft, engine);
  return engine;
}

function engineOf(draft: Draft): string {
  const said = draft.said('DB_DIALECT');
  const engine = engines[said?.text.trim().toLowerCase() ?? 'postgres'];
  if (engine !== undefined || said === null) return engine ?? 'postgres';
  const allowed = 'postgres, mysql, mariadb, sqlite';
  draft.problem(said.origin, `is ${JSON.stringify(said.text)}, a database that cannot be saved; allowed: ${allowed}`);
  return 'postgres';
}

function arrangeFile(draft: Draft, within: (path: string) => string): void {
  const path = draft.text('DB_STORAGE') ?? '';
  if (path === ':memory:')
    draft.problem(draft.said('DB_STORAGE')?.origin ?? 'DB_STORAGE', 'is ":memory:", and there is no file to save');
  draft.own('database.path', within(path), 'DB_STORAGE');
}

function arrangeServer(draft: Draft, engine: string): void {
  draft.copy('DB_HOST', 'DB_DATABASE', 'DB_USER', 'DB_PASSWORD');
  if (engine === 'postgres' || draft.said('DB_PORT')) draft.copy('DB_PORT');
  if (!draft.said('DB_PASSWORD')) draft.warn('DB_PASSWORD is not given: the database is asked without one');
  if (engine === 'postgres') arrangePostgres(draft);
  arrangeTls(draft);
}

function arrangePostgres(draft: Draft): void {
  for (const name of ['DB_SCHEMA', 'COLLECTION_MANAGER_SCHEMA']) {
    const schema = draft.said(name);
    if (schema) draft.note(`${name} is ${schema.text}: the whole database is saved, that schema with it`);
  }
  for (const [key, name] of Object.entries({ pgDump: 'PG_DUMP_PATH', pgRestore: 'PG_RESTORE_PATH' })) {
    // The bare name is the original's default: the tool that the search path finds.
    const path = draft.said(name)?.text;
    if (path?.includes('/')) draft.own(`database.tools.${key}`, path, name);
  }
}

const tlsNames = ['MODE', 'CA', 'KEY', 'CERT', 'REJECT_UNAUTHORIZED'].map((part) => `DB_DIALECT_OPTIONS_SSL_${part}`);

function arrangeTls(draft: Draft): void {
  const given = tlsNames.filter((name) => draft.said(name));
  if (given.length === 0) return;
  const [mode, ca, key, cert, reject] = tlsNames as [string, string, string, string, string];
  for (const [part, name] of Object.entries({ ca, key, cert })) {
    const value = draft.said(name);
    if (value?.text.includes('-----BEGIN'))
      draft.problem(value.origin, 'holds a certificate or key itself; write it into a file and give its path');
    else if (value) draft.own(`database.ssl.${part}`, value.text, name);
  }
  const checks = draft.truth(reject);
  if (!draft.said(ca) && checks) draft.own('database.ssl.ca', 'system', reject);
  if (draft.said(mode)) draft.own('database.ssl.mode', draft.text(mode), mode);
  else draft.own('database.ssl.mode', checks ? 'verify-full' : 'require', reject);
}
