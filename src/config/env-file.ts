import { stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { Environment } from './environment.ts';
import { reasonOf } from './interpolate.ts';
import { readText } from './judge.ts';
import type { Problem } from './problems.ts';

/** The environment with the values of a `.env` file where it has none of its own. */
export interface FromEnvFile {
  env: Environment;
  problems: Problem[];
  notes: string[];
  /** The file that was read, and what was taken from it. */
  file: { path: string; names: ReadonlySet<string> } | null;
  /** An origin, with the file where it came from there. */
  named(origin: string): string;
}

/**
 * `HOLDFAST_ENV_FILE`. The script of TMA Cloud reads the `.env` beside it by itself, and so does its preset where somebody asked
 * for that preset.
 */
export async function withEnvFile(env: Environment, cwd: string): Promise<FromEnvFile> {
  const said = env['HOLDFAST_ENV_FILE'];
  const usual = join(cwd, '.env');
  const asked = env['HOLDFAST_PRESET']?.trim().toLowerCase() === 'tma-cloud' && (await isFile(usual));
  const path = said ? resolve(cwd, said) : asked ? usual : null;
  if (path === null) return { env, problems: [], notes: [], file: null, named: (origin) => origin };
  const text = await readText(path).then(
    (found) => ({ found }),
    (error: unknown) => ({ reason: reasonOf(error) }),
  );
  if ('reason' in text) {
    const message = `the file ${path} cannot be read (${text.reason})`;
    const problem = { path: [], variable: 'HOLDFAST_ENV_FILE', line: null, message };
    return { env, problems: [problem], notes: [], file: null, named: (origin) => origin };
  }
  const { values, problems } = parseEnvFile(text.found);
  const given = (name: string) => Boolean(env[name] || env[`${name}_FILE`] || env[name.replace(/_FILE$/, '')]);
  const taken = [...values].filter(([name]) => !given(name));
  const names = new Set(taken.map(([name]) => name));
  return {
    env: { ...env, ...Object.fromEntries(taken) },
    problems,
    file: { path, names },
    notes: said ? [] : [`variables are read from ${path}, as plain values; HOLDFAST_ENV_FILE names another file`],
    named: (origin) => (origin.split(', ').some((name) => names.has(name)) ? `${origin} in ${basename(path)}` : origin),
  };
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

export interface EnvFile {
  values: Map<string, string>;
  problems: Problem[];
}

/**
 * The lines of a `.env` file as values. Never run as shell: no `$NAME`, no backquotes, no commands. A `#` begins a comment only
 * after a space, so that a password may hold one. Quotes around a whole value are taken off; inside of double ones, `\n`, `\"`,
 * `\\` and `\$` mean what they mean in a shell.
 */
export function parseEnvFile(text: string): EnvFile {
  const file: EnvFile = { values: new Map(), problems: [] };
  const problem = (line: number, message: string) => {
    file.problems.push({ path: [], variable: 'HOLDFAST_ENV_FILE', line: null, message: `line ${line + 1} ${message}` });
  };
  for (const [index, line] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const found = /^\s*(?:export\s+)?([A-Za-z_][\w.-]*)\s*=\s*(.*)$/.exec(line);
    const value = found && valueOf(found[2] ?? '');
    if (!found) problem(index, 'is not of the form NAME=value');
    else if (value === null) problem(index, `opens a quote for ${found[1]} that is not closed on the same line`);
    else file.values.set(found[1] ?? '', value);
  }
  return file;
}

function valueOf(written: string): string | null {
  const [quote] = written;
  if (quote !== '"' && quote !== "'") {
    if (written.startsWith('#')) return '';
    return written.replace(/\s+#.*$/, '').trimEnd();
  }
  const body = quote === '"' ? /^"((?:[^"\\]|\\.)*)"\s*(?:#.*)?$/ : /^'([^']*)'\s*(?:#.*)?$/;
  const found = body.exec(written)?.[1];
  if (found === undefined) return null;
  return quote === "'"
    ? found
    : found.replaceAll(/\\([n"\\$`])/g, (_whole, letter: string) => (letter === 'n' ? '\n' : letter));
}
