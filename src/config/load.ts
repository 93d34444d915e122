import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { HoldfastError, systemErrno } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import { readDocument } from './document.ts';
import { withEnvFile } from './env-file.ts';
import {
  describesSource,
  identityIn,
  readEnvironment,
  sourceVariables,
  type Environment,
  type ReadEnvironment,
} from './environment.ts';
import { reasonOf } from './interpolate.ts';
import { judgeWritten, readText } from './judge.ts';
import { loadEnvironment } from './load-environment.ts';
import type { LoadedConfig } from './loaded.ts';
import { formatPath, leavesOf, valueAt } from './path.ts';
import { presetVariables, readPreset } from './presets/read-preset.ts';
import { configInvalid } from './problems.ts';
import { hideSecrets, isLiteralSecret } from './secrets.ts';

export type { LoadedConfig } from './loaded.ts';

export interface LoadOptions {
  /** `--config` */
  path?: string | undefined;
  /** In place of what the file says now. */
  text?: string | undefined;
  env?: Environment;
  cwd?: string;
}

const fileName = 'holdfast.yaml';

/**
 * Reads the configuration: a file when there is one, otherwise variables. The environment is data: it is never run as shell,
 * nothing in it is filled in, and no file changes it.
 */
export async function loadConfig(options: LoadOptions = {}): Promise<LoadedConfig> {
  const cwd = resolve(options.cwd ?? process.cwd());
  const added = await withEnvFile(options.env ?? process.env, cwd);
  const { env } = added;
  const said = await readEnvironment(env, readText);
  said.problems.unshift(...added.problems);
  const { text } = options;
  const given = text !== undefined && options.path !== undefined ? resolve(cwd, options.path) : null;
  const file = given ?? (await findFile(options.path, said, cwd));
  if (file !== null) return loadFile(file, { env, cwd, said, text });
  const preset = await readPreset({ env, said: said.values, envFile: added.file, readText });
  if (preset !== null && 'message' in preset) throw configInvalid([...said.problems, preset], null);
  if (said.problems.length > 0 || describesSource(said.values) || preset !== null)
    return loadEnvironment(said, { cwd, preset, added });
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
  { env, cwd, said, text }: { env: Environment; cwd: string; said: ReadEnvironment; text: string | undefined },
): Promise<LoadedConfig> {
  const written = readDocument(text ?? (await readConfigText(file)));
  const state = said.values.get('HOLDFAST_STATE');
  const judged = await judgeWritten(written, { file, env, state: state && resolve(cwd, state.text) });
  const problems = [
    ...judged.problems,
    ...said.problems.filter(({ variable }) => /^HOLDFAST_(CONFIG|STATE|IDENTITY|ENV_FILE)/.test(variable ?? '')),
  ];
  if (problems.length > 0 || judged.config === null) throw configInvalid(problems, file);

  const literal = new Set(
    [...leavesOf(written.tree)].filter((leaf) => isLiteralSecret(...leaf)).map(([path]) => formatPath(path)),
  );
  const mentioned = new Set([...judged.references.values()].flatMap(({ names }) => names));
  const given = [...sourceVariables(said.values), ...presetVariables({ env, said: said.values })];
  const files = new Set([...mentioned].map((name) => /^\$\{file:(.+)\}$/.exec(name)?.[1]?.trim()));
  const ignored = [...new Set(given)].filter((name) => !mentioned.has(`\${${name}}`) && !files.has(env[name] ?? ''));
  const warnings = [
    ...(ignored.length === 0 ? [] : [`${file} is used, so these variables have no effect: ${ignored.join(', ')}`]),
    ...(text === undefined ? await permissionWarnings(file, [...literal]) : []),
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
    preset: null,
    notes: [],
    settings: hideSecrets(judged.settings, judged.references),
    identity: identityIn(said),
    references,
  };
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
    const isOther = error instanceof TypeError && reasonOf(error).startsWith('ERR_ENCODING');
    const reason = isOther ? 'it is not UTF-8' : withoutSecrets(reasonOf(error));
    const access =
      systemErrno(error) === 'EISDIR'
        ? 'Name the file in it, or move the folder away.'
        : 'Give the user that runs holdfast the right to read it.';
    throw new HoldfastError('CONFIG_UNREADABLE', `the configuration file ${file} cannot be read: ${reason}`, {
      kind: 'usage',
      cause: error,
      hint: isOther ? 'Save it as UTF-8.' : access,
    });
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
