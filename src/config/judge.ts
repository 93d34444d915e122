import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { completeSettings } from './complete.ts';
import type { WrittenConfig } from './document.ts';
import type { Environment } from './environment.ts';
import { interpolate, type WrittenReference } from './interpolate.ts';
import { withValue, type Path } from './path.ts';
import type { Problem } from './problems.ts';
import type { Config } from './schema.ts';
import { validateSettings } from './validate.ts';

export interface JudgedConfig {
  config: Config | null;
  problems: Problem[];
  settings: unknown;
  references: Map<string, WrittenReference>;
}

/** Fills in references and defaults and validates; used for reading and, before anything is written, for saving. */
export async function judgeWritten(
  written: WrittenConfig,
  { file, env, state }: { file: string; env: Environment; state?: string | undefined },
): Promise<JudgedConfig> {
  const folder = dirname(file);
  const variable = (name: string) => env[name] ?? null;
  const filled = await interpolate(written.tree, { folder, variable, file: readText });
  const settings = completeSettings(state ? withValue(filled.tree, ['state'], state) : filled.tree, folder);
  const { config, problems: found } = validateSettings(settings, filled.references);
  const unfilled = filled.problems.map(({ path }) => path);
  const located = [
    ...filled.problems,
    ...found.filter(({ path }) => !unfilled.some((outer) => isWithin(path, outer))),
  ].map((problem) => ({ ...problem, line: written.lineOf(problem.path) }));
  const problems = [...written.problems, ...located.filter((problem) => canBeJudged(problem, written))];
  return { config: problems.length === 0 ? config : null, problems, settings, references: filled.references };
}

/** Where the text itself is broken, what follows would be guesses: keys that seem to be missing, values cut short. */
function canBeJudged({ line, message }: Problem, { brokenFrom, problems }: WrittenConfig): boolean {
  if (problems.some((formal) => formal.line !== null && formal.line === line)) return false;
  return brokenFrom === null || (line !== null && line < brokenFrom && !message.startsWith('is missing'));
}

/** In UTF-8, strictly: a password in another encoding would be a wrong password. */
export async function readText(path: string): Promise<string> {
  return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
}

/** Whether a path is another one, or lies below it. */
function isWithin(path: Path, outer: Path): boolean {
  return outer.every((part, index) => path[index] === part);
}
