import { allowedKeysOf } from './allowed-keys.ts';
import { crossProblems } from './complete.ts';
import type { WrittenReference } from './interpolate.ts';
import { formatPath, valueAt } from './path.ts';
import { problemsOf, quote, type Problem } from './problems.ts';
import { configJsonSchema, configSchema, type Config } from './schema.ts';
import { hideSecrets, registerSecrets } from './secrets.ts';

export type Validated = { config: Config; problems: [] } | { config: null; problems: Problem[] };

/** Judges complete settings as a whole: everything that is wrong. */
export function validateSettings(tree: unknown, references: ReadonlyMap<string, WrittenReference>): Validated {
  registerSecrets(tree);
  const shown = hideSecrets(tree, references);
  const parsed = configSchema.safeParse(tree);
  const across = crossProblems(tree, (path) => quote(path, valueAt(shown, path)));
  if (parsed.success && across.length === 0) return { config: parsed.data, problems: [] };
  const found = parsed.success ? [] : problemsOf(parsed.error, shown, allowedKeysOf(configJsonSchema(), tree));
  return { config: null, problems: withoutEchoes([...across, ...found]) };
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
