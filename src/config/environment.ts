import { reasonOf } from './interpolate.ts';
import { nearest } from './nearest.ts';
import { formatPath, isBranch, valueAt, withValue } from './path.ts';
import type { Problem } from './problems.ts';
import { variables } from './variables.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentValue {
  text: string;
  /** The variable it really came from: `NAME` or `NAME_FILE`. */
  origin: string;
  fromFile: string | null;
}

export interface ReadEnvironment {
  values: Map<string, EnvironmentValue>;
  problems: Problem[];
  warnings: string[];
}

/** What the environment says, of variables that are ours. Empty ones count as not given, as compose files pass them on. */
export async function readEnvironment(
  env: Environment,
  file: (path: string) => Promise<string>,
): Promise<ReadEnvironment> {
  const read: ReadEnvironment = { values: new Map(), problems: [], warnings: unknownVariables(env) };
  for (const { name, noFile } of variables) {
    const direct = env[name];
    const path = noFile ? undefined : env[`${name}_FILE`];
    if (direct && path) {
      read.problems.push({
        path: [],
        variable: name,
        line: null,
        message: `is given twice, as ${name} and as ${name}_FILE; only one is allowed`,
      });
    } else if (direct) {
      read.values.set(name, { text: direct, origin: name, fromFile: null });
    } else if (path) {
      try {
        const text = (await file(path)).replace(/\r?\n$/, '');
        read.values.set(name, { text, origin: `${name}_FILE`, fromFile: path });
      } catch (error) {
        read.problems.push({
          path: [],
          variable: `${name}_FILE`,
          line: null,
          message: `the file ${path} cannot be read (${reasonOf(error)})`,
        });
      }
    }
  }
  return read;
}

/** One source, made of variables alone. */
export function settingsOf(values: ReadonlyMap<string, EnvironmentValue>): {
  tree: unknown;
  origins: Map<string, EnvironmentValue>;
} {
  const source = values.get('HOLDFAST_SOURCE')?.text ?? 'main';
  const origins = new Map<string, EnvironmentValue>();
  const tree = variables.reduce<unknown>(
    (built, { name, setting, read }) => {
      const value = values.get(name);
      if (!value || !setting) return built;
      origins.set(formatPath(setting(source)), value);
      return withValue(built, setting(source), read ? read(value.text) : value.text);
    },
    { sources: { [source]: {} } },
  );
  const typed = withTypes(tree);
  const recovering = withoutEmptySource(typed, source);
  const both = recovering === typed ? withBothStorages(typed, source) : recovering;
  return { tree: withStorageOptions(both, values, origins), origins };
}

/** Storages of the environment are named as their kind. */
function withTypes(tree: unknown): unknown {
  return namesOf(tree).reduce((built, name) => withValue(built, ['storages', name, 'type'], name), tree);
}

/** The folder is written first, where both are given, and the bucket gets copies. */
function withBothStorages(tree: unknown, source: string): unknown {
  const names = namesOf(tree);
  if (names.length < 2) return tree;
  return withValue(tree, ['sources', source, 'storages'], [...names].toSorted());
}

function namesOf(tree: unknown): string[] {
  const storages = valueAt(tree, ['storages']);
  return isBranch(storages) ? Object.keys(storages) : [];
}

/** With storages and nothing about a database, nothing is to be protected here: what lies there is to be recovered. */
function withoutEmptySource(tree: unknown, source: string): unknown {
  const storages = valueAt(tree, ['storages']);
  const said = valueAt(tree, ['sources', source]);
  const nothing = isBranch(said) && Object.keys(said).length === 0;
  return nothing && isBranch(storages) ? withValue(tree, ['sources'], {}) : tree;
}

function withStorageOptions(
  tree: unknown,
  values: ReadonlyMap<string, EnvironmentValue>,
  origins: Map<string, EnvironmentValue>,
): unknown {
  const names = namesOf(tree);
  let built = tree;
  for (const { name, inStorages } of variables) {
    const value = values.get(name);
    if (!value || !inStorages) continue;
    // Without any, it is said of the one in its usual place, which then must be named.
    if (names.length === 0) built = withValue(built, ['storages', 'local', 'type'], 'local');
    for (const storage of names.length === 0 ? ['local'] : names) {
      const path = ['storages', storage, ...inStorages];
      origins.set(formatPath(path), value);
      built = withValue(built, path, value.text);
    }
  }
  return built;
}

/** Whether the environment describes something to back up, not only how to run. */
export function describesSource(values: ReadonlyMap<string, EnvironmentValue>): boolean {
  return sourceVariables(values).length > 0;
}

/** Variables that have no effect beside a configuration file. */
export function sourceVariables(values: ReadonlyMap<string, EnvironmentValue>): string[] {
  return variables
    .filter(({ name, withFile }) => !withFile && values.has(name))
    .map(({ name }) => values.get(name)?.origin ?? name);
}

function unknownVariables(env: Environment): string[] {
  const known = variables.flatMap(({ name, noFile }) => (noFile ? [name] : [name, `${name}_FILE`]));
  return Object.keys(env)
    .filter((name) => name.startsWith('HOLDFAST_') && !known.includes(name) && env[name])
    .map((name) => {
      const close = nearest(name, known);
      return `the variable ${name} is not known to this version and has no effect${close ? `; did you mean ${close}?` : ''}`;
    });
}
