import { Secret } from '../base/secret.ts';
import { reasonOf } from './interpolate.ts';
import { nearest } from './nearest.ts';
import { formatPath, isBranch, valueAt, withValue, type Path } from './path.ts';
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
  const read = await readVariables(env, variables, file);
  return { ...read, warnings: unknownVariables(env) };
}

/** The values of these variables, each given as itself or as a file. */
export async function readVariables(
  env: Environment,
  wanted: readonly { name: string; noFile?: boolean }[],
  file: (path: string) => Promise<string>,
): Promise<Pick<ReadEnvironment, 'values' | 'problems'>> {
  const read: Pick<ReadEnvironment, 'values' | 'problems'> = { values: new Map(), problems: [] };
  for (const { name, noFile } of wanted) {
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

/** One source, made of variables alone; on the ground of what another system's variables say, where there are any. */
export function settingsOf(
  values: ReadonlyMap<string, EnvironmentValue>,
  ground?: { source: string; tree: unknown },
): {
  tree: unknown;
  origins: Map<string, EnvironmentValue>;
} {
  const source = ground?.source ?? values.get('HOLDFAST_SOURCE')?.text ?? 'main';
  const origins = new Map<string, EnvironmentValue>();
  const tree = variables.reduce<unknown>(
    (built, { name, setting, read }) => {
      const value = values.get(name);
      if (!value || !setting) return built;
      origins.set(formatPath(setting(source)), value);
      return withValue(built, setting(source), read ? read(value.text) : value.text);
    },
    ground?.tree ?? { sources: { [source]: {} } },
  );
  const typed = withTypes(tree);
  const recovering = ground ? typed : withoutEmptySource(typed, source);
  const both = recovering === typed ? withBothStorages(typed, source) : recovering;
  const stored = withStorageOptions(both, values, origins);
  return { tree: withChannels(stored, values, origins), origins };
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

/** The channels that the environment names, or gives the addresses of; in place of all others. */
function withChannels(
  tree: unknown,
  values: ReadonlyMap<string, EnvironmentValue>,
  origins: Map<string, EnvironmentValue>,
): unknown {
  const named = values.get('HOLDFAST_ALERT_CHANNELS');
  const opened = variables.flatMap(({ name, inChannel, opensChannel }) =>
    opensChannel && inChannel && values.has(name) ? [inChannel.kind] : [],
  );
  const kinds = named ? named.text.split(',').map((kind) => kind.trim()) : opened;
  const channels = kinds.filter((kind) => kind !== '');
  if (channels.length === 0) return tree;
  return channels.reduce<unknown>(
    (whole, kind, index) => {
      const channel = ['alerts', 'channels', index] as const;
      if (named) origins.set(formatPath([...channel, 'type']), named);
      return variables.reduce<unknown>(
        (built, { name, inChannel, read }) => {
          const value = values.get(name);
          if (!value || inChannel?.kind !== kind) return built;
          const path = [...channel, ...inChannel.path];
          origins.set(formatPath(path), value);
          return withValue(built, path, read ? read(value.text) : value.text);
        },
        withValue(whole, [...channel, 'type'], kind),
      );
    },
    withValue(tree, ['alerts', 'channels'], []),
  );
}

/** The variable that gives a setting of a channel, or the first of those that give what lies in it. */
export function channelVariable(tree: unknown, [section, list, index, ...rest]: Path): string | null {
  if (section !== 'alerts' || list !== 'channels' || index === undefined) return null;
  const kind = valueAt(tree, [section, list, index, 'type']);
  const wanted = formatPath(rest);
  const found = variables.find(({ inChannel }) => {
    const path = inChannel?.kind === kind ? formatPath(inChannel?.path ?? []) : '';
    return path === wanted || path.startsWith(`${wanted}.`);
  });
  return wanted === '' ? null : (found?.name ?? null);
}

/** Whether the environment describes something to back up, not only how to run. */
export function describesSource(values: ReadonlyMap<string, EnvironmentValue>): boolean {
  return sourceVariables(values).length > 0;
}

/** Variables that have no effect beside a configuration file. */
export function sourceVariables(values: ReadonlyMap<string, EnvironmentValue>): string[] {
  return variables
    .filter(({ name, withFile, shared }) => !withFile && !shared && values.has(name))
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

/** What opens encrypted backups. */
export function identityIn({ values }: ReadEnvironment): Secret | null {
  const text = values.get('HOLDFAST_IDENTITY')?.text;
  return text === undefined ? null : new Secret(text);
}
