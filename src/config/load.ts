import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { HoldfastError, systemErrno } from '../base/errors.ts';
import { Secret, withoutSecrets } from '../base/secret.ts';
import { completeSettings } from './complete.ts';
import { readDocument } from './document.ts';
import {
  describesSource,
  readEnvironment,
  settingsOf,
  sourceVariables,
  type Environment,
  type EnvironmentValue,
  type ReadEnvironment,
} from './environment.ts';
import { reasonOf, type WrittenReference } from './interpolate.ts';
import { judgeWritten, readText } from './judge.ts';
import { formatPath, leavesOf, valueAt } from './path.ts';
import { configInvalid, type Problem } from './problems.ts';
import type { Config } from './schema.ts';
import { hideSecrets, isLiteralSecret } from './secrets.ts';
import { validateSettings } from './validate.ts';

export interface LoadedConfig {
  readonly config: Config;
  /** The absolute path of the file, or null when the environment alone describes what to do. */
  readonly file: string | null;
  /** Where each setting comes from, by path: `holdfast.yaml:12`, `HOLDFAST_KEEP_LAST`; what is not listed is a default. */
  readonly origins: ReadonlyMap<string, string>;
  readonly warnings: readonly string[];
  /** The settings in the form people write them, complete; secrets are `Secret`s. For `config show` and `config export`. */
  readonly settings: unknown;
  /** What HOLDFAST_IDENTITY says, or the file that it names. */
  readonly identity: Secret | null;
  /** Values written as references, by path, unless a secret itself stands beside them; for variables, references to them. */
  readonly references: ReadonlyMap<string, WrittenReference>;
}

export interface LoadOptions {
  /** `--config` */
  path?: string | undefined;
  env?: Environment;
  cwd?: string;
}

const fileName = 'holdfast.yaml';

/**
 * Reads the configuration: a file when there is one, otherwise variables. The environment is data: it is never run as shell,
 * nothing in it is filled in, and no file changes it.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const env = options.env ?? process.env;
  const cwd = resolve(options.cwd ?? process.cwd());
  const said = await readEnvironment(env, readText);
  const file = await findFile(options.path, said, cwd);
  if (file !== null) return loadFile(file, { env, cwd, said });
  if (said.problems.length > 0 || describesSource(said.values)) return loadEnvironment(said, cwd);
  throw new HoldfastError(
    'CONFIG_MISSING',
    `there is no ${fileName} in ${cwd} or /etc/holdfast, and no variables say what to back up`,
    {
      kind: 'usage',
      hint: 'Run `holdfast init` to write one, or name it with --config.',
    },
  );
}

/** Null when there is none; a file that was asked for must exist. */
async function findFile(path: string | undefined, said: ReadEnvironment, cwd: string): Promise<string | null> {
  const named = path ?? said.values.get('HOLDFAST_CONFIG')?.text;
  if (named !== undefined) {
    const file = resolve(cwd, named);
    if (await exists(file)) return file;
    const from = path === undefined ? 'HOLDFAST_CONFIG' : '--config';
    throw new HoldfastError('CONFIG_MISSING', `the configuration file ${file} (from ${from}) does not exist`, {
      kind: 'usage',
      hint: 'Correct the path, or run `holdfast init` to write a new file.',
    });
  }
  for (const candidate of [join(cwd, fileName), join('/etc/holdfast', fileName)]) {
    if (await exists(candidate)) return candidate;
  }
  return null;
}

async function loadFile(
  file: string,
  { env, cwd, said }: { env: Environment; cwd: string; said: ReadEnvironment },
): Promise<LoadedConfig> {
  const written = readDocument(await readConfigText(file));
  const state = said.values.get('HOLDFAST_STATE');
  const judged = await judgeWritten(written, { file, env, state: state && resolve(cwd, state.text) });
  const problems = [
    ...judged.problems,
    ...said.problems.filter(({ variable }) => /^HOLDFAST_(CONFIG|STATE|IDENTITY)/.test(variable ?? '')),
  ];
  if (problems.length > 0 || judged.config === null) throw configInvalid(problems, file);

  const literal = new Set(
    [...leavesOf(written.tree)].filter((leaf) => isLiteralSecret(...leaf)).map(([path]) => formatPath(path)),
  );
  const mentioned = new Set([...judged.references.values()].flatMap(({ names }) => names));
  const ignored = sourceVariables(said.values).filter((name) => !mentioned.has(`\${${name}}`));
  const warnings = [
    ...(ignored.length === 0 ? [] : [`${file} is used, so these variables have no effect: ${ignored.join(', ')}`]),
    ...(await permissionWarnings(file, [...literal])),
    ...said.warnings,
  ];
  const origins = new Map<string, string>();
  for (const [path] of leavesOf(judged.settings)) {
    if (valueAt(written.tree, path) === undefined) continue;
    const reference = judged.references.get(formatPath(path));
    const line = `${basename(file)}:${written.lineOf(path)}`;
    origins.set(formatPath(path), reference ? `${line}, ${reference.names.join(', ')}` : line);
  }
  if (state) origins.set('state', state.origin);
  const { config } = judged;
  const references = new Map([...judged.references].filter(([path]) => !literal.has(path)));
  return {
    config,
    file,
    origins,
    warnings,
    settings: hideSecrets(judged.settings, judged.references),
    identity: identityIn(said),
    references,
  };
}

function loadEnvironment(said: ReadEnvironment, cwd: string): LoadedConfig {
  const { tree, origins: values } = settingsOf(said.values);
  const settings = completeSettings(tree, cwd);
  const references = new Map<string, WrittenReference>();
  const origins = new Map<string, string>();
  for (const [path, { origin, fromFile }] of values) {
    origins.set(path, origin);
    const text = fromFile === null ? `\${${origin}}` : `\${file:${resolve(cwd, fromFile)}}`;
    references.set(path, { text, names: [text], secret: fromFile !== null });
  }
  const { config, problems } = validateSettings(settings, references);
  const named = problems.map((problem) => nameVariable(problem, values));
  if (config === null || said.problems.length > 0) throw configInvalid([...said.problems, ...named], null);
  return {
    config,
    file: null,
    origins,
    warnings: said.warnings,
    settings: hideSecrets(settings, references),
    identity: identityIn(said),
    references,
  };
}

function identityIn({ values }: ReadEnvironment): Secret | null {
  const text = values.get('HOLDFAST_IDENTITY')?.text;
  return text === undefined ? null : new Secret(text);
}

/** People who set variables know variables, not paths. */
function nameVariable(problem: Problem, values: ReadonlyMap<string, EnvironmentValue>): Problem {
  const [section, , part] = problem.path;
  for (let length = problem.path.length; length > 0; length -= 1) {
    const value = values.get(formatPath(problem.path.slice(0, length)));
    if (value) return { ...problem, variable: value.origin };
  }
  if (formatPath(problem.path) === 'storages.local.path') return { ...problem, variable: 'HOLDFAST_STORAGE_PATH' };
  if (section === 'sources' && problem.path.length === 2) return { ...problem, variable: 'HOLDFAST_SOURCE' };
  if (section === 'sources' && part === 'database') {
    return {
      ...problem,
      variable: 'HOLDFAST_DATABASE_URL',
      message: 'is missing (or HOLDFAST_DATABASE_HOST, _NAME, _USER)',
    };
  }
  return problem;
}

async function permissionWarnings(file: string, [literal]: readonly string[]): Promise<string[]> {
  if (literal === undefined) return [];
  const { mode } = await stat(file);
  if ((mode & 0o004) === 0) return [];
  return [`${file} holds a password (${literal}) and every user of this machine can read it; run: chmod 600 ${file}`];
}

async function readConfigText(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (error) {
    throw new HoldfastError(
      'CONFIG_UNREADABLE',
      `the configuration file ${file} cannot be read: ${withoutSecrets(reasonOf(error))}`,
      {
        kind: 'usage',
        cause: error,
        hint:
          systemErrno(error) === 'EISDIR'
            ? 'Name the file in it, or move the folder away.'
            : 'Give the user that runs holdfast the right to read it.',
      },
    );
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT' || (error as NodeJS.ErrnoException).code === 'ENOTDIR')
      return false;
    return true;
  }
}
