import { statSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, interrupted } from '../base/errors.ts';
import { isSourceName } from '../base/ids.ts';
import { Secret } from '../base/secret.ts';
import {
  hasPassword,
  problemWithAddress,
  sourceNameFor,
  withoutPassword,
  writeFirstConfig,
  type FirstConfig,
  type FirstDatabase,
} from '../config/first-config.ts';
import { problemWithCron } from '../config/fields.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { wrongUsage } from './usage-error.ts';

const defaults = { storagePath: './backups', schedule: '15 3 * * *' };

/** Where the new file goes; refuses when something is there, before any question is asked. */
export async function fileFor({ config, env, cwd }: CommandContext): Promise<string> {
  const file = resolve(cwd, config ?? (env['HOLDFAST_CONFIG'] || 'holdfast.yaml'));
  if (!(await stat(file).catch(() => null))) return file;
  throw new HoldfastError('CONFIG_EXISTS', `${file} exists already and is not overwritten`, {
    kind: 'refused',
    hint: 'Edit it and run `holdfast config validate`, or move it away first.',
  });
}

export async function writeFirst(context: CommandContext, file: string, input: CommandInput): Promise<string[]> {
  const given = answersGiven(context, input);
  return writeFirstConfig(file, context.io.interactive && !context.yes ? await ask(context, given) : complete(given));
}

type Answers = Partial<FirstConfig> & { timezone: string };

function answersGiven({ env, source, cwd }: CommandContext, input: CommandInput): Answers {
  const path = input.text('path') ?? (input.text('url') === undefined ? env['HOLDFAST_DATABASE_PATH'] : undefined);
  const url = input.text('url') ?? (path ? undefined : env['HOLDFAST_DATABASE_URL']);
  const name = input.text('name') ?? source;
  const storagePath = input.text('storage-path');
  const schedule = input.text('schedule');
  const problems = [
    url !== undefined && path !== undefined ? '--url and --path name two databases' : null,
    url === undefined ? null : problemWithAddress(url),
    name === undefined ? null : problemWithName(name),
    schedule === undefined ? null : problemWithCron(schedule),
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw wrongUsage(problems.join('; '), 'Correct it and try again; nothing was written.');
  return {
    timezone: env['HOLDFAST_TIMEZONE'] || Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    ...(url ? { database: { url } } : {}),
    ...(path ? { database: { path: resolve(cwd, path) } } : {}),
    ...(name ? { source: name } : {}),
    ...(storagePath ? { storagePath } : {}),
    ...(schedule ? { schedule } : {}),
    ...(env['HOLDFAST_DATABASE_PASSWORD'] ? { password: 'variable' as const } : {}),
  };
}

function complete({ database, source, storagePath, schedule, password, timezone }: Answers): FirstConfig {
  if (database === undefined) {
    throw wrongUsage(
      'init needs --url or --path when it cannot ask',
      'Give the database as --url postgres://user@host/name, or an SQLite file as --path; or run it in a terminal.',
    );
  }
  return {
    database,
    timezone,
    source: source ?? sourceNameFor(database),
    storagePath: storagePath ?? defaults.storagePath,
    schedule: schedule ?? defaults.schedule,
    password: password ?? null,
  };
}

/** Questions stand on the error output: standard output is for data. */
async function ask({ io, signal, cwd }: CommandContext, given: Answers): Promise<FirstConfig> {
  const prompts = await import('@clack/prompts');
  const common = { input: io.stdin, output: io.stderr, signal };
  const answer = async (question: Promise<string | symbol>): Promise<string> => {
    const said = await question;
    if (typeof said === 'symbol') throw interrupted();
    return said;
  };
  // What is offered stands there in grey and goes with the first key: whoever pastes an address replaces it.
  const text = (message: string, offered: Offered, problem: (value: string) => string | null) => {
    const { usual: defaultValue = '', example: placeholder = defaultValue } = offered;
    const validate = (value?: string) => problem(value || defaultValue) ?? undefined;
    return answer(prompts.text({ ...common, message, placeholder, defaultValue, validate }));
  };
  prompts.intro('A first holdfast.yaml', common);
  const askDatabase = async (): Promise<FirstDatabase> => {
    const options = Object.entries(engines).map(([value, { label }]) => ({ value, label }));
    const engine = await answer(prompts.select({ ...common, message: 'Which database?', options }));
    const { address } = engines[engine] ?? { address: null };
    if (address === null)
      return { path: resolve(cwd, await text('Its file', { example: './app.db' }, problemWithFile(cwd))) };
    return { url: await text('Address of the database', { example: address }, problemWithAddress) };
  };
  const database = given.database ?? (await askDatabase());
  const known = given.password ?? ('url' in database ? withoutPassword(database.url).password : null);
  const asksPassword = known === null && hasPassword(database);
  const password = asksPassword
    ? newSecret(await answer(prompts.password({ ...common, message: 'Password (empty for none)' })))
    : known;
  const source =
    given.source ?? (await text('Name of this source', { usual: sourceNameFor(database) }, problemWithName));
  const storagePath =
    given.storagePath ?? (await text('Folder for backups', { usual: defaults.storagePath }, problemWithFolder));
  const schedule =
    given.schedule ??
    (await text('When? minute hour day month weekday', { usual: defaults.schedule }, problemWithCron));
  prompts.outro('Thank you. Writing the file, then checking everything.', common);
  return { ...given, database, source, storagePath, schedule, password };
}

/** Enter takes the usual; an example is nothing but that. */
type Offered = { usual: string; example?: never } | { usual?: never; example: string };

/** Null: there is no address, but a file. */
const engines: Readonly<Record<string, { label: string; address: string | null }>> = {
  postgres: { label: 'PostgreSQL', address: 'postgres://user@localhost/name' },
  mysql: { label: 'MySQL', address: 'mysql://user@localhost/name' },
  mariadb: { label: 'MariaDB', address: 'mariadb://user@localhost/name' },
  sqlite: { label: 'SQLite', address: null },
};

function problemWithFile(cwd: string) {
  return (path: string): string | null =>
    path !== '' && statSync(resolve(cwd, path), { throwIfNoEntry: false })?.isFile() ? null : 'there is no such file';
}

function newSecret(typed: string): Secret | null {
  return typed === '' ? null : new Secret(typed);
}

function problemWithName(name: string): string | null {
  return isSourceName(name) ? null : 'the name of a source is made of a-z, 0-9, dot, dash and underscore, at most 63';
}

function problemWithFolder(path: string): string | null {
  return path.trim() === '' ? 'a folder is needed' : null;
}
