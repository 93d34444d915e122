import { resolve } from 'node:path';
import { engineOf } from './database-schema.ts';
import type { EnvironmentValue } from './environment.ts';
import type { WrittenReference } from './interpolate.ts';
import { formatPath, valueAt, withValue } from './path.ts';
import type { PresetOrigin } from './presets/preset.ts';
import type { ReadPreset } from './presets/read-preset.ts';
import { variables } from './variables.ts';

/** What a preset says, where our own variables say nothing else. */
export interface Ground {
  source: string;
  tree: unknown;
  /** As `config show` tells them: the variables, or the preset for a default of the system. */
  origins: Map<string, string>;
  /** The same, for what is wrong: settings that no variable is to blame for are left out. */
  variables: Map<string, { origin: string }>;
  references: Map<string, WrittenReference>;
  warnings: string[];
}

/** Our own variables win over those of the older system; where both are given and differ, that is said. */
export function groundOf(preset: ReadPreset, said: ReadonlyMap<string, EnvironmentValue>, cwd: string): Ground {
  const { source } = preset;
  const ground: Ground = {
    source,
    tree: wholeAddress(said) === undefined ? preset.tree : withoutAddress(preset.tree, source, said),
    origins: new Map(),
    variables: new Map(),
    references: new Map(),
    warnings: lostFolders(preset.tree, source, said.get('HOLDFAST_FILES')),
  };
  const replaced = replacedBy(said, source);
  const losers: { origin: PresetOrigin; winner: EnvironmentValue }[] = [];
  // A variable may stand for several settings, and still be needed for another one.
  const effective = new Set<string>();
  for (const [path, origin] of preset.origins) {
    const winner = replaced.find(({ below }) => isAtOrBelow(path, below));
    if (winner) losers.push({ origin, winner: winner.value });
    else {
      place(ground, { path, origin, preset: preset.name, cwd });
      for (const value of origin.values) effective.add(value.origin);
    }
  }
  for (const { origin, winner } of losers) ground.warnings.push(...lost(origin, winner, effective));
  ground.warnings = [...new Set(ground.warnings)];
  return ground;
}

function place(
  ground: Ground,
  { path, origin, preset, cwd }: { path: string; origin: PresetOrigin; preset: string; cwd: string },
): void {
  const names = origin.values.map((value) => value.origin).join(', ');
  ground.origins.set(path, names === '' ? `preset ${preset}` : names);
  if (names !== '') ground.variables.set(path, { origin: names });
  const [value] = origin.values;
  if (!origin.copied || !value) return;
  const text = value.fromFile === null ? `\${${value.origin}}` : `\${file:${resolve(cwd, value.fromFile)}}`;
  ground.references.set(path, { text, names: [text], secret: origin.secret || value.fromFile !== null });
}

/** Where our own variables stand that replace something. */
function replacedBy(said: ReadonlyMap<string, EnvironmentValue>, source: string) {
  const places = variables.flatMap(({ name, setting, opensChannel }) => {
    const value = said.get(name);
    if (!value) return [];
    // Channels in our own words take the place of all others.
    if (opensChannel || name === 'HOLDFAST_ALERT_CHANNELS') return [{ below: 'alerts.channels', value }];
    return setting ? [{ below: formatPath(setting(source)), value }] : [];
  });
  const whole = wholeAddress(said);
  if (!whole) return places;
  const parts = ['engine', 'path', 'host', 'port', 'name', 'user', 'password'];
  return [
    ...places,
    ...parts.map((part) => ({ below: formatPath(['sources', source, 'database', part]), value: whole })),
  ];
}

function lost({ values }: PresetOrigin, winner: EnvironmentValue, effective: ReadonlySet<string>): string[] {
  return values
    .filter(({ text, origin }) => text !== winner.text && !effective.has(origin))
    .map(({ origin }) => `${winner.origin} is used, so ${origin} has no effect`);
}

function isAtOrBelow(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}

function wholeAddress(said: ReadonlyMap<string, EnvironmentValue>): EnvironmentValue | undefined {
  return said.get('HOLDFAST_DATABASE_URL') ?? said.get('HOLDFAST_DATABASE_PATH');
}

/** Also those that no variable of the system named: nobody is to believe that they are still saved. */
function lostFolders(tree: unknown, source: string, said: EnvironmentValue | undefined): string[] {
  const files = valueAt(tree, ['sources', source, 'files']);
  if (!said || !Array.isArray(files)) return [];
  const kept = said.text.split(',').map((item) => item.trim().replace(/^[^=/]+=/, ''));
  return files
    .map((each: unknown) => String(valueAt(each, ['path'])))
    .filter((path) => !kept.includes(path))
    .map((path) => `${said.origin} is used, so ${path} is not saved`);
}

/** An address as a whole takes the place of its parts, and of what is there for another engine only. */
function withoutAddress(tree: unknown, source: string, said: ReadonlyMap<string, EnvironmentValue>): unknown {
  const path = ['sources', source, 'database'];
  const [url, file] = ['URL', 'PATH'].map((part) => said.get(`HOLDFAST_DATABASE_${part}`)?.text);
  const before = valueAt(tree, [...path, 'engine']) ?? 'postgres';
  const keys = (engineOf({ url, path: file }) ?? 'postgres') === before ? ['ssl', 'tools'] : [];
  const kept = keys.map((key): [string, unknown] => [key, valueAt(tree, [...path, key])]);
  return withValue(tree, path, Object.fromEntries(kept.filter(([, value]) => value !== undefined)));
}
