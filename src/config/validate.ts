import { allowedKeysOf } from './allowed-keys.ts';
import { crossProblems } from './complete.ts';
import type { WrittenReference } from './interpolate.ts';
import { formatPath, leavesOf, valueAt, type Path } from './path.ts';
import { problemsOf, quote, type Problem } from './problems.ts';
import { configJsonSchema, configSchema, type Config } from './schema.ts';
import { hideSecrets, registerSecrets } from './secrets.ts';

export type Validated = { config: Config; problems: [] } | { config: null; problems: Problem[] };

/** Judges complete settings as a whole: everything that is wrong. */
export function validateSettings(tree: unknown, references: ReadonlyMap<string, WrittenReference>): Validated {
  registerSecrets(tree);
  const shown = hideSecrets(tree, references);
  const parsed = configSchema.safeParse(tree);
  const across = [
    ...crossProblems(tree, (path) => quote(path, valueAt(shown, path))),
    ...secretWords(tree, references),
  ];
  if (parsed.success && across.length === 0) return { config: parsed.data, problems: [] };
  const found = parsed.success ? [] : problemsOf(parsed.error, shown, allowedKeysOf(configJsonSchema(), tree));
  return { config: null, problems: withoutEchoes([...across, ...found]) };
}

/** The words of a command can be read by every user of the machine. */
function secretWords(tree: unknown, references: ReadonlyMap<string, WrittenReference>): Problem[] {
  return [...leavesOf(tree)]
    .filter(([path]) => isHookWord(path) && references.get(formatPath(path))?.secret === true)
    .map(([path]) => ({
      path,
      line: null,
      message:
        'would put a secret on a command line, for every user of the machine to see; give it as a variable (env)',
    }));
}

/** `run: [program, argument]`, and the same without `run`. */
function isHookWord(path: Path): boolean {
  return path[0] === 'sources' && path[2] === 'hooks' && typeof path.at(-1) === 'number';
}

/** Some things are noticed twice: what is missing by the schema, and what should be there by `crossProblems`. */
function withoutEchoes(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems.filter(({ path, message }) => {
    const place = formatPath(path);
    if (seen.has(message === 'is missing' ? place : `${place} ${message}`)) return false;
    seen.add(place).add(`${place} ${message}`);
    return true;
  });
}
