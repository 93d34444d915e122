import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError, interrupted } from '../base/errors.ts';
import { isSourceName } from '../base/ids.ts';
import { Secret } from '../base/secret.ts';
import {
  problemWithAddress,
  sourceNameFor,
  withoutPassword,
  writeFirstConfig,
  type FirstConfig,
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

function answersGiven({ env, source }: CommandContext, input: CommandInput): Answers {
  const url = input.text('url') ?? env['HOLDFAST_DATABASE_URL'];
  const name = input.text('name') ?? source;
  const storagePath = input.text('storage-path');
  const schedule = input.text('schedule');
  const problems = [
    url === undefined ? null : problemWithAddress(url),
    name === undefined ? null : problemWithName(name),
    schedule === undefined ? null : problemWithCron(schedule),
  ].filter((problem) => problem !== null);
  if (problems.length > 0) throw wrongUsage(problems.join('; '), 'Correct it and try again; nothing was written.');
  return {
    timezone: env['HOLDFAST_TIMEZONE'] || Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC',
    ...(url ? { url } : {}),
    ...(name ? { source: name } : {}),
    ...(storagePath ? { storagePath } : {}),
    ...(schedule ? { schedule } : {}),
    ...(env['HOLDFAST_DATABASE_PASSWORD'] ? { password: 'variable' as const } : {}),
  };
}

function complete({ url, source, storagePath, schedule, password, timezone }: Answers): FirstConfig {
  if (url === undefined) {
    throw wrongUsage(
      'init needs --url when it cannot ask',
      'Give the database as --url postgres://user@host/name, or run it in a terminal.',
    );
  }
  return {
    url,
    timezone,
    source: source ?? sourceNameFor(url),
    storagePath: storagePath ?? defaults.storagePath,
    schedule: schedule ?? defaults.schedule,
    password: password ?? null,
  };
}

/** Questions stand on the error output: standard output is for data. */
async function ask({ io, signal }: CommandContext, given: Answers): Promise<FirstConfig> {
  const prompts = await import('@clack/prompts');
  const common = { input: io.stdin, output: io.stderr, signal };
  const answer = async (question: Promise<string | symbol>): Promise<string> => {
    const said = await question;
    if (typeof said === 'symbol') throw interrupted();
    return said;
  };
  const text = (message: string, initialValue: string, problem: (value: string) => string | null) =>
    answer(
      prompts.text({
        ...common,
        message,
        initialValue,
        validate: (value) => problem(value ?? '') ?? undefined,
      }),
    );
  prompts.intro('A first holdfast.yaml', common);
  const url =
    given.url ?? (await text('Address of the database', 'postgres://postgres@localhost/', problemWithAddress));
  const password =
    given.password ??
    withoutPassword(url).password ??
    newSecret(await answer(prompts.password({ ...common, message: 'Password (empty for none)' })));
  const source = given.source ?? (await text('Name of this source', sourceNameFor(url), problemWithName));
  const storagePath = given.storagePath ?? (await text('Folder for backups', defaults.storagePath, problemWithFolder));
  const schedule =
    given.schedule ?? (await text('When? minute hour day month weekday', defaults.schedule, problemWithCron));
  prompts.outro('Thank you. Writing the file, then checking everything.', common);
  return { ...given, url, source, storagePath, schedule, password };
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
