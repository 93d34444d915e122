import { readVariables, type Environment, type EnvironmentValue } from '../environment.ts';
import { formatPath, valueAt, type Path } from '../path.ts';
import type { Problem } from '../problems.ts';
import { choosePreset, unknownNames } from './choose.ts';
import { applyPreset } from './apply-preset.ts';
import { namesOf, type Preset, type PresetOrigin, type PresetResult } from './preset.ts';
import { describeDropped, withSupported } from './supported.ts';

/** What the environment means to a preset, ready to be the ground that `HOLDFAST_` variables stand on. */
export interface ReadPreset {
  name: string;
  source: string;
  tree: unknown;
  origins: ReadonlyMap<string, PresetOrigin>;
  problems: Problem[];
  warnings: string[];
  notes: string[];
}

type Values = ReadonlyMap<string, EnvironmentValue>;

interface Reading {
  env: Environment;
  said: Values;
  envFile: { path: string; names: ReadonlySet<string> } | null;
  readText(path: string): Promise<string>;
}

/** Null: none is wanted, and none can be recognised. */
export async function readPreset({ env, said, envFile, readText }: Reading): Promise<ReadPreset | Problem | null> {
  const { preset, detected, problem } = presetOf({ env, said });
  if (problem) return problem;
  if (preset === null) return null;
  const names = preset.variables.flatMap(namesOf).map((name) => ({ name }));
  const { values, problems } = await readVariables(env, names, readText);
  const source = said.get('HOLDFAST_SOURCE')?.text ?? preset.name;
  const result = applyPreset(preset, values, { source, envFile });
  const { tree, dropped } = withSupported(result.tree);
  const given = Object.keys(env).filter((name) => env[name]);
  const recognised = `the variables are read as those of ${preset.title}; set HOLDFAST_PRESET=${preset.name} to say that this is right`;
  return {
    name: preset.name,
    source,
    tree,
    origins: result.origins,
    problems: [...problems, ...result.problems, ...nothingLeft(preset, { result, source, values, said })],
    warnings: [
      ...(detected ? [recognised] : []),
      ...result.warnings,
      ...dropped.map((path) => unprotected(result, path)),
      ...unknownNames(preset, given),
    ],
    notes: [...result.notes],
  };
}

/** The variables of a preset that a configuration file leaves without effect. */
export function presetVariables({ env, said }: Pick<Reading, 'env' | 'said'>): string[] {
  const { preset } = presetOf({ env, said });
  const names = preset?.variables.filter(({ to }) => to !== '').flatMap(namesOf) ?? [];
  return names.flatMap((name) => [name, `${name}_FILE`]).filter((name) => env[name] && name !== 'TZ');
}

function presetOf({ env, said }: Pick<Reading, 'env' | 'said'>): ReturnType<typeof choosePreset> {
  // Who describes the database in our own words is not to be surprised by what else is in the environment.
  const wanted = said.get('HOLDFAST_PRESET')?.text ?? (describesDatabase(said) ? 'none' : undefined);
  return choosePreset(wanted, (name) => Boolean(env[name] || env[`${name}_FILE`]));
}

function describesDatabase(said: Values): boolean {
  return ['URL', 'HOST', 'NAME', 'PATH'].some((part) => said.has(`HOLDFAST_DATABASE_${part}`));
}

/** What this version leaves out, and the variables that asked for it. */
function unprotected({ origins }: PresetResult, path: Path): string {
  const from = [...new Set(originsBelow(origins, formatPath(path)).flatMap(({ values }) => values))];
  const text = describeDropped(path);
  return from.length === 0 ? text : `${text} (${from.map(({ origin }) => origin).join(', ')})`;
}

function originsBelow(origins: ReadonlyMap<string, PresetOrigin>, path: string): PresetOrigin[] {
  return [...origins]
    .filter(([each]) => each === path || (/^[.[]/.test(each.slice(path.length)) && each.startsWith(path)))
    .map(([, origin]) => origin);
}

/** `NOCODB_BACKUP_DATABASE_DUMP=false`, where files and exports are not saved either. */
function nothingLeft(
  { variables }: Preset,
  { result, source, values, said }: { result: PresetResult; source: string } & Record<'values' | 'said', Values>,
): Problem[] {
  if (describesDatabase(said) || said.has('HOLDFAST_FILES') || said.has('HOLDFAST_APP')) return [];
  const { tree, warnings } = result;
  const parts = ['database', 'files', 'app'].filter((part) => valueAt(tree, ['sources', source, part]) !== undefined);
  const off = variables.filter(({ to }) => to === 'database').flatMap(namesOf);
  const variable = off.map((name) => values.get(name)?.origin).find((origin) => origin !== undefined);
  if (parts.length > 0 || variable === undefined) return [];
  const path = ['sources', source, 'database'];
  const message = ['is false, and nothing else is left to save', ...warnings].join('; ');
  return [{ path, line: null, variable, message }];
}
