import { resolve } from 'node:path';
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
    tree: said.has('HOLDFAST_DATABASE_URL') ? withoutAddress(preset.tree, source) : preset.tree,
    origins: new Map(),
    variables: new Map(),
    references: new Map(),
    warnings: [],
  };
  const replaced = replacedBy(said, source);
  for (const [path, origin] of preset.origins) {
    const winner = replaced.find(({ below }) => isAtOrBelow(path, below));
    if (winner) ground.warnings.push(...lost(origin, winner.value));
    else place(ground, { path, origin, preset: preset.name, cwd });
  }
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
  const url = said.get('HOLDFAST_DATABASE_URL');
  if (!url) return places;
  const parts = ['host', 'port', 'name', 'user', 'password'];
  return [
    ...places,
    ...parts.map((part) => ({ below: formatPath(['sources', source, 'database', part]), value: url })),
  ];
}

function lost({ values }: PresetOrigin, winner: EnvironmentValue): string[] {
  return values
    .filter(({ text }) => text !== winner.text)
    .map(({ origin }) => `${winner.origin} is used, so ${origin} has no effect`);
}

function isAtOrBelow(path: string, outer: string): boolean {
  return path === outer || (path.startsWith(outer) && /^[.[]/.test(path.slice(outer.length)));
}

/** An address as a whole takes the place of its parts. */
function withoutAddress(tree: unknown, source: string): unknown {
  const path = ['sources', source, 'database'];
  const kept = ['engine', 'ssl', 'tools'].map((key): [string, unknown] => [key, valueAt(tree, [...path, key])]);
  return withValue(tree, path, Object.fromEntries(kept.filter(([, value]) => value !== undefined)));
}
