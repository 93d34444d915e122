import { HoldfastError } from '../../base/errors.ts';
import { escapeReferences } from '../../config/interpolate.ts';
import { formatPath, isBranch, leavesOf, mapLeaves, valueAt, withValue, type Path } from '../../config/path.ts';
import type { SettingChange } from '../../config/save.ts';
import { mask } from '../../config/secrets.ts';
import { assertSecretsStay } from './channel-secrets.ts';

const any = null;
/**
 * What may be changed over HTTP. Not what runs commands (hooks, tools, containers) and not where databases and storages are: whoever took
 * over a session must not be able to run programs here, or to send the backups elsewhere.
 */
const editable: readonly (readonly (string | null)[])[] = [
  ['timezone'],
  ['encryption'],
  ['alerts'],
  ['monitor'],
  ...['schedule', 'retention', 'storages', 'deleteLocalAfterCopy', 'verify', 'encryption', 'monitor'].map((name) => [
    'sources',
    any,
    name,
  ]),
  ['sources', any, 'drill', 'cron'],
  ['sources', any, 'drill', 'every'],
  ['sources', any, 'drill', 'timezone'],
  ...['format', 'compression', 'rowCounts', 'exclude'].map((name) => ['sources', any, 'dump', name]),
];

/** For whoever draws a page of it: `sources.*.schedule`. */
export const editablePaths = editable.map((path) => path.map((part) => part ?? '*').join('.'));

/** What is to be written, from what was sent: checked, without the dots that stand for secrets, and without references. */
export function readChanges(sent: readonly { path: Path; value?: unknown }[], written: unknown): SettingChange[] {
  let tree = written;
  const changes = sent.flatMap(({ path, value }) => {
    assertEditable(path, tree);
    const wanted = value === null || value === undefined ? undefined : withKept(path, value, tree);
    if (wanted === undefined && valueAt(tree, path) === undefined) return [];
    const change = within(path, wanted, tree);
    const changed = withValue(tree, change.path, change.value);
    assertPassphrasesStay(tree, changed);
    tree = changed;
    return [change];
  });
  assertSecretsStay(written, tree, textsIn(sent));
  return changes;
}

/** As they would be written, whatever they stand for. */
function textsIn(sent: readonly { value?: unknown }[]): ReadonlySet<string> {
  const texts = sent.flatMap(({ value }) => [...leavesOf(value)].map(([, leaf]) => leaf));
  return new Set(texts.filter((text) => typeof text === 'string').map(escapeReferences));
}

function assertEditable(path: Path, tree: unknown): void {
  const fits = editable.some((allowed) => allowed.every((part, at) => part === any || path[at] === part));
  const [section, name] = path;
  const known = section !== 'sources' || valueAt(tree, ['sources', name ?? '']) !== undefined;
  if (fits && known) return;
  throw new HoldfastError('SETTING_LOCKED', `${formatPath(path)} cannot be changed over HTTP`, {
    kind: 'refused',
    hint: 'Change it in the configuration file, then start the daemon anew.',
  });
}

/**
 * Keys are wrapped with it: with another one, or without, what was encrypted before would not open any more. A source has that of all where
 * it says nothing of its own, and opens with it also where its next backups are plain.
 */
function assertPassphrasesStay(before: unknown, after: unknown): void {
  const sources = Object.keys((valueAt(before, ['sources']) as object | null | undefined) ?? {});
  for (const source of [null, ...sources]) {
    const passphrase = passphraseOf(before, source);
    if (passphrase === undefined || passphraseOf(after, source) === passphrase) continue;
    throw new HoldfastError('SETTING_LOCKED', 'a passphrase can neither be changed nor removed over HTTP', {
      kind: 'refused',
      hint: 'Use `holdfast key change-passphrase`; `encryption: false` of a source makes its next backups plain, and one for all cannot be replaced for one source.',
    });
  }
}

function passphraseOf(tree: unknown, source: string | null): unknown {
  const own = source === null ? null : valueAt(tree, ['sources', source, 'encryption']);
  return valueAt(isBranch(own) ? own : valueAt(tree, ['encryption']), ['passphrase']);
}

/** A map that is not there yet, or stands there as null, is written as a whole. */
function within(path: Path, value: unknown, tree: unknown): SettingChange {
  for (let length = 1; length < path.length; length += 1) {
    const above = path.slice(0, length);
    if (isBranch(valueAt(tree, above))) continue;
    return { path: above, value: withValue(undefined, path.slice(length), value) };
  }
  return { path, value };
}

/** Dots mean that a secret stays what it is; all other text means itself, so that nobody reads files of this machine through it. */
function withKept(path: Path, value: unknown, tree: unknown): unknown {
  return mapLeaves(value, (inner, leaf) => {
    if (typeof leaf !== 'string') return leaf;
    if (!leaf.includes(mask)) return escapeReferences(leaf);
    const inChannels = formatPath(path) === 'alerts.channels';
    const kept = inChannels ? keptInChannel(path, inner, value, tree) : valueAt(tree, [...path, ...inner]);
    if (typeof kept === 'string') return kept;
    throw new HoldfastError('SECRET_NEEDED', `${formatPath([...path, ...inner])} is not known yet; give it in full`, {
      kind: 'usage',
    });
  });
}

/**
 * In a list of channels that was sent anew, by kind and name: their places may have changed. Of several that are called the same it is the one
 * in the same place, as long as the list is as long as it was; otherwise nobody knows which is meant.
 */
function keptInChannel(path: Path, inner: Path, value: unknown, tree: unknown): unknown {
  const [index = 0, ...rest] = inner;
  const nameOf = (list: unknown, at: string | number) =>
    [valueAt(list, [at, 'type']), valueAt(list, [at, 'name'])].join(' ');
  const before = valueAt(tree, path);
  const length = Array.isArray(before) ? before.length : 0;
  const all = Array.from({ length }, (_, each) => each);
  const named = all.filter((each) => nameOf(before, each) === nameOf(value, index));
  const sameLength = Array.isArray(value) && value.length === length;
  const at = named.length === 1 ? named[0] : named.find((each) => sameLength && each === Number(index));
  return at === undefined ? undefined : valueAt(before, [at, ...rest]);
}
