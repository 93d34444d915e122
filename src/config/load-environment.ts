import { resolve } from 'node:path';
import { completeSettings } from './complete.ts';
import type { FromEnvFile } from './env-file.ts';
import { channelVariable, identityIn, settingsOf, type ReadEnvironment } from './environment.ts';
import { groundOf, type Ground } from './ground.ts';
import type { LoadedConfig } from './loaded.ts';
import { formatPath } from './path.ts';
import type { ReadPreset } from './presets/read-preset.ts';
import { configInvalid, formatProblem, type Problem } from './problems.ts';
import { hideSecrets } from './secrets.ts';
import { validateSettings } from './validate.ts';

interface Surroundings {
  cwd: string;
  preset: ReadPreset | null;
  added: FromEnvFile;
}

/** The configuration of variables alone: a preset's, with our own on top of them. */
export function loadEnvironment(said: ReadEnvironment, { cwd, preset, added }: Surroundings): LoadedConfig {
  const ground = preset && groundOf(preset, said.values, cwd);
  const { settings, origins, variables, references } = settle(said, ground, cwd);
  const { config, problems: found } = validateSettings(settings, references);
  const problems = distinct([
    ...said.problems,
    ...(preset?.problems ?? []),
    ...withoutEchoes(found, preset?.problems ?? [], variables).map((each) => nameVariable(each, variables, settings)),
  ]);
  if (config === null || problems.length > 0) throw configInvalid(problems, null);
  return {
    config,
    file: null,
    origins: new Map([...origins].map(([path, origin]) => [path, added.named(origin)])),
    warnings: [...(preset?.warnings ?? []), ...(ground?.warnings ?? []), ...said.warnings],
    preset: preset?.name ?? null,
    notes: [...added.notes, ...(preset?.notes ?? [])],
    settings: hideSecrets(settings, references),
    identity: identityIn(said),
    references,
  };
}

function settle({ values }: ReadEnvironment, ground: Ground | null, cwd: string) {
  const { tree, origins: own } = settingsOf(values, ground ?? undefined);
  const references = new Map(ground?.references);
  const origins = new Map(ground?.origins);
  const variables = new Map<string, { origin: string }>(ground?.variables);
  for (const [path, value] of own) {
    const { origin, fromFile } = value;
    const text = fromFile === null ? `\${${origin}}` : `\${file:${resolve(cwd, fromFile)}}`;
    origins.set(path, origin);
    variables.set(path, value);
    references.set(path, { text, names: [text], secret: fromFile !== null });
  }
  return { settings: completeSettings(tree, cwd), origins, variables, references };
}

/** What a preset has told already, and what was only taken over from the time zone of the whole. */
function withoutEchoes(
  problems: readonly Problem[],
  told: readonly Problem[],
  variables: ReadonlyMap<string, unknown>,
): Problem[] {
  const places = new Set(told.map(({ path }) => formatPath(path)));
  const wrongZone = problems.some(({ path }) => formatPath(path) === 'timezone');
  return problems.filter(({ path }) => {
    const place = formatPath(path);
    const takenOver = path.length > 1 && path.at(-1) === 'timezone' && !variables.has(place);
    return !places.has(place) && !(wrongZone && takenOver);
  });
}

/** A variable that two tables name is read twice. */
function distinct(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((problem) => [formatProblem(problem, null), problem])).values()];
}

/** People who set variables know variables, not paths. */
function nameVariable(problem: Problem, values: ReadonlyMap<string, { origin: string }>, settings: unknown): Problem {
  const [section, , part] = problem.path;
  for (let length = problem.path.length; length > 0; length -= 1) {
    const value = values.get(formatPath(problem.path.slice(0, length)));
    if (value) return { ...problem, variable: value.origin };
  }
  const ofChannel = channelVariable(settings, problem.path);
  if (ofChannel !== null) return { ...problem, variable: ofChannel };
  if (formatPath(problem.path) === 'storages.local.path') return { ...problem, variable: 'HOLDFAST_STORAGE_PATH' };
  if (section === 'sources' && problem.path.length === 2) return { ...problem, variable: 'HOLDFAST_SOURCE' };
  if (section === 'sources' && part === 'database') {
    return {
      ...problem,
      variable: 'HOLDFAST_DATABASE_URL',
      message: 'is missing (or HOLDFAST_DATABASE_HOST, _NAME, _USER; HOLDFAST_DATABASE_PATH; HOLDFAST_FILES)',
    };
  }
  if (section === 'sources' && part === 'app' && problem.path.length === 4)
    return { ...problem, variable: `HOLDFAST_APP_${String(problem.path[3]).toUpperCase()}` };
  return problem;
}
