import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { isSourceName } from '../base/ids.ts';
import { channelProblems } from './channel-problems.ts';
import { engines } from '../engines/index.ts';
import { engineOf } from './database-schema.ts';
import { nearest } from './nearest.ts';
import { entriesOf, formatPath, isBranch, valueAt, withValue, type Path } from './path.ts';
import { placeProblems } from './place-problems.ts';
import type { Problem } from './problems.ts';

/** Fills in what depends on where the configuration lies and on its other settings, and makes paths absolute. */
export function completeSettings(tree: unknown, folder: string): unknown {
  const given = withoutEmpty(tree);
  if (!isBranch(given) || Array.isArray(given)) return given;
  const home = folderForDefaults(folder);
  const defaults: [Path, unknown][] = [
    [['instance'], hostname()],
    [['timezone'], 'UTC'],
    [['state'], join(home, 'state')],
    [['storages'], { local: { type: 'local', path: join(home, 'backups') } }],
  ];
  const filled = withDefaults(withoutSources(given), defaults);
  const storages = namesAt(filled, ['storages']);
  const zone = valueAt(filled, ['timezone']);
  const complete = withEachSource(filled, (source) => {
    const placed = storages.length === 1 ? withDefaults(source, [[['storages'], storages]]) : source;
    return ['schedule', 'drill', 'verify'].reduce((at, part) => withTimezone(at, [part], zone), withEngine(placed));
  });
  return withAbsolutePaths(withTimezone(complete, ['monitor', 'report'], zone), folder);
}

/** Each by itself: setting values in the whole tree, with a thousand sources, would copy a million of them. */
function withEachSource(tree: unknown, change: (source: unknown) => unknown): unknown {
  const sources = valueAt(tree, ['sources']);
  if (!isBranch(sources) || Array.isArray(sources)) return tree;
  const changed = Object.entries(sources).map(([name, source]) => [name, isBranch(source) ? change(source) : source]);
  return withValue(tree, ['sources'], Object.fromEntries(changed));
}

function withEngine(source: unknown): unknown {
  const database = valueAt(source, ['database']);
  const engine = isBranch(database) ? engineOf(database) : null;
  return engine === null ? source : withDefaults(source, [[['database', 'engine'], engine]]);
}

/** Cron patterns speak of the installation's time where they do not say otherwise. */
function withTimezone(tree: unknown, timing: Path, zone: unknown): unknown {
  if (valueAt(tree, [...timing, 'cron']) === undefined) return tree;
  return withDefaults(tree, [[[...timing, 'timezone'], zone]]);
}

/** Whoever names a storage and nothing to protect wants to get at what lies there; otherwise something is missing. */
function withoutSources(given: object): unknown {
  const { sources = {}, ...rest } = given as { sources?: unknown };
  if (!isEmptyMap(sources)) return given;
  return namesAt(given, ['storages']).length > 0 ? { ...rest, sources: {} } : rest;
}

/** What is wrong between settings; looks at what is written, so it also works where other things are wrong. */
export function crossProblems(tree: unknown, show: (path: Path) => string): Problem[] {
  const storages = namesAt(tree, ['storages']);
  const sources = namesAt(tree, ['sources']);
  const problem = (path: Path, message: string): Problem => ({ path, line: null, message });
  const badNames = [
    ...sources.map((name): Path => ['sources', name]),
    ...storages.map((name): Path => ['storages', name]),
  ]
    .filter((path) => !isSourceName(String(path[1])))
    .map((path) =>
      problem(
        path,
        'is not a name; allowed are a-z, 0-9, dot, dash and underscore, at most 63, beginning with a letter or digit',
      ),
    );
  return [
    ...badNames,
    ...sources.flatMap((source) => storageProblems(tree, ['sources', source], { storages, show })),
    ...sources.flatMap((source) => onlyLocalProblems(tree, ['sources', source])),
    ...sources.flatMap((source) => emptySourceProblems(tree, ['sources', source])),
    ...sources.flatMap((source) => formatProblems(tree, ['sources', source])),
    ...placeProblems(tree),
    ...channelProblems(tree, sources),
  ];
}

function storageProblems(
  tree: unknown,
  source: Path,
  { storages, show }: { storages: readonly string[]; show: (path: Path) => string },
): Problem[] {
  const path = [...source, 'storages'];
  const named = valueAt(tree, path);
  if (named === undefined && storages.length > 1 && isBranch(valueAt(tree, source))) {
    return [
      { path, line: null, message: `is missing, and there is more than one storage; allowed: ${storages.join(', ')}` },
    ];
  }
  if (!Array.isArray(named)) return [];
  return named.flatMap((name: unknown, index): Problem[] => {
    const at = [...path, index];
    if (typeof name !== 'string') return [];
    if (named.indexOf(name) !== index) return [{ path: at, line: null, message: `names ${show(at)} a second time` }];
    if (storages.includes(name)) return [];
    const close = nearest(name, storages);
    const message = `is ${show(at)}, which is not among the storages${close ? `; did you mean ${close}?` : ''}; allowed: ${storages.join(', ')}`;
    return [{ path: at, line: null, message }];
  });
}

function emptySourceProblems(tree: unknown, source: Path): Problem[] {
  const said = valueAt(tree, source);
  if (!isBranch(said) || ['database', 'files', 'app'].some((part) => valueAt(said, [part]) !== undefined)) return [];
  return [
    { path: [...source, 'database'], line: null, message: 'is missing; a source needs a database, files or an app' },
  ];
}

/** Which formats there are is a matter of the engine. */
function formatProblems(tree: unknown, source: Path): Problem[] {
  const path = [...source, 'dump', 'format'];
  const format = valueAt(tree, path);
  const name = valueAt(tree, [...source, 'database', 'engine']) ?? 'postgres';
  const engine = Object.values(engines).find((each) => each.name === name);
  const known = Object.values(engines).some(({ formats }) => formats.some((each) => each === format));
  if (!engine || !known || engine.formats.some((each) => each === format)) return [];
  const allowed = ['auto', ...engine.formats].join(', ');
  return [
    {
      path,
      line: null,
      message: `is "${String(format)}", which databases of ${engine.name} do not have; allowed: ${allowed}`,
    },
  ];
}

/** Nothing would be left to restore from. */
function onlyLocalProblems(tree: unknown, source: Path): Problem[] {
  const path = [...source, 'deleteLocalAfterCopy'];
  if (String(valueAt(tree, path)) !== 'true') return [];
  const named = valueAt(tree, [...source, 'storages']);
  const names = Array.isArray(named) ? named.map(String) : namesAt(tree, ['storages']);
  if (names.some((name) => valueAt(tree, ['storages', name, 'type']) !== 'local')) return [];
  return [{ path, line: null, message: 'is true, but the source has no storage outside of this machine' }];
}

/** A key without a value is a key that was not given. */
function withoutEmpty(tree: unknown): unknown {
  if (!isBranch(tree) || Array.isArray(tree)) return tree;
  const kept = Object.entries(tree).filter(([, value]) => value !== null && value !== undefined);
  return Object.fromEntries(kept.map(([key, value]) => [key, withoutEmpty(value)]));
}

/** Next to the configuration, but never among the system's configuration files. */
function folderForDefaults(folder: string): string {
  return folder === '/etc/holdfast' ? '/var/lib/holdfast' : folder;
}

function withDefaults(tree: unknown, defaults: readonly [Path, unknown][]): unknown {
  return defaults.reduce(
    (at, [path, value]) => (valueAt(at, path) === undefined ? withValue(at, path, value) : at),
    tree,
  );
}

function withAbsolutePaths(tree: unknown, folder: string): unknown {
  const sources = namesAt(tree, ['sources']).map((name): Path => ['sources', name, 'database']);
  const paths: Path[] = [
    ['state'],
    ...entriesAt(tree, ['alerts', 'channels']).map((index): Path => ['alerts', 'channels', index, 'smtp', 'ca']),
    ...namesAt(tree, ['storages']).flatMap((name) => localPathsOf(tree, ['storages', name])),
    ...sourcePathsOf(tree),
    ...sources.flatMap((database): Path[] => [
      ...['ca', 'cert', 'key'].map((key): Path => [...database, 'ssl', key]),
      ...['pgDump', 'pgRestore', 'psql', 'pgDumpall'].map((key): Path => [...database, 'tools', key]),
      [...database, 'tools'],
    ]),
  ];
  return paths.reduce((at, path) => {
    const value = valueAt(at, path);
    return typeof value === 'string' && isRelativePath(path, value) ? withValue(at, path, resolve(folder, value)) : at;
  }, tree);
}

/** Of SQLite, file trees and applications. */
function sourcePathsOf(tree: unknown): Path[] {
  return namesAt(tree, ['sources']).flatMap((name): Path[] => {
    const source: Path = ['sources', name];
    return [
      [...source, 'database', 'path'],
      ...entriesAt(tree, [...source, 'files']).map((index): Path => [...source, 'files', index, 'path']),
      ...['path', 'dataPath', 'storagePath', 'envFile'].map((key): Path => [...source, 'app', key]),
    ];
  });
}

/** `path` is a folder of this machine only in a local storage; keys, and files about the other side, always lie here. */
function localPathsOf(tree: unknown, storage: Path): Path[] {
  const type = valueAt(tree, [...storage, 'type']);
  const isText = (value: unknown) => typeof value === 'string' && /^SHA256:|PRIVATE KEY-----|^PuTTY-/.test(value);
  return [
    ...(type === undefined || type === 'local' ? ['path'] : []),
    ...(type === 'sftp' ? ['key', 'hostKey'] : []),
    ...(type === 'rclone' ? ['config'] : []),
  ]
    .map((key): Path => [...storage, key])
    .filter((path) => !isText(valueAt(tree, path)));
}

function isRelativePath(path: Path, value: string): boolean {
  // `ssl.ca: system` stands for the authorities the machine trusts; an address is not a path; an empty text stays a problem.
  return (
    value !== '' && value !== 'system' && !value.includes('://') && formatPath(path) !== '' && resolve(value) !== value
  );
}

function namesAt(tree: unknown, path: Path): string[] {
  const map = valueAt(tree, path);
  return isBranch(map) && !Array.isArray(map) ? entriesOf(map).map(([name]) => String(name)) : [];
}

function entriesAt(tree: unknown, path: Path): number[] {
  const list = valueAt(tree, path);
  return Array.isArray(list) ? [...list.keys()] : [];
}

function isEmptyMap(value: unknown): boolean {
  return isBranch(value) && !Array.isArray(value) && Object.keys(value).length === 0;
}
