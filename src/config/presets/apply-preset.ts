import type { EnvironmentValue } from '../environment.ts';
import { nearest } from '../nearest.ts';
import { formatPath, withValue, type Path } from '../path.ts';
import type { Problem } from '../problems.ts';
import {
  namesOf,
  pathOf,
  type Draft,
  type Preset,
  type PresetOrigin,
  type PresetResult,
  type PresetVariable,
} from './preset.ts';

interface Surroundings {
  source: string;
  /** The `.env` file that was read, and the variables that were taken from it. */
  envFile: { path: string; names: ReadonlySet<string> } | null;
}

/** What a preset makes of an environment. */
export function applyPreset(
  preset: Preset,
  values: ReadonlyMap<string, EnvironmentValue>,
  { source, envFile }: Surroundings,
): PresetResult {
  const problems: Problem[] = [];
  const notes: string[] = [];
  const warnings: string[] = [];
  const origins = new Map<string, PresetOrigin>();
  let tree: unknown = { sources: { [source]: {} } };
  const asked = new Map<string, EnvironmentValue | null>();

  const problem = (name: string, message: string) => {
    problems.push({ path: [], line: null, variable: name, message });
  };
  const said = (name: string): EnvironmentValue | null => {
    const known = asked.get(name);
    if (known !== undefined) return known;
    const variable = variableOf(preset, name);
    const given = namesOf(variable).flatMap((each) => values.get(each) ?? []);
    const [first, ...others] = given;
    const other = others.find(({ text }) => first !== undefined && meaning(text) !== meaning(first.text));
    if (first && other) problem(first.origin, contradiction(first, other, variable));
    asked.set(name, first ?? null);
    return first ?? null;
  };
  const standard = (name: string) => variableOf(preset, name).standard ?? null;
  const text = (name: string) => said(name)?.text ?? standard(name);
  const set = (path: Path, value: unknown, ...from: string[]) => {
    const used = from.flatMap((name) => said(name) ?? []);
    origins.set(formatPath(path), {
      values: used,
      copied: used.length === 1 && used[0]?.text === value,
      secret: from.some((name) => variableOf(preset, name).secret === true),
    });
    tree = withValue(tree, path, value);
  };
  const copy = (...names: string[]) => {
    for (const name of names) {
      const value = text(name);
      if (value !== null) set(pathOf(variableOf(preset, name).to, source), value, name);
    }
  };
  const choice = (name: string, allowed: readonly string[]) => {
    const written = said(name)?.text.trim().toLowerCase();
    const fallback = standard(name) ?? '';
    if (written === undefined || allowed.includes(written)) return written ?? fallback;
    const close = nearest(written, allowed);
    problem(
      said(name)?.origin ?? name,
      `is ${JSON.stringify(written)}${close ? `; did you mean ${close}?` : ''}; allowed: ${allowed.join(', ')}`,
    );
    return fallback;
  };
  const draft: Draft = {
    source,
    said,
    text,
    fileOf: (name) => {
      const origin = said(name)?.origin;
      return envFile !== null && origin !== undefined && envFile.names.has(origin) ? envFile.path : null;
    },
    truth: (name) => truths.has(choice(name, [...truths, ...falsehoods])),
    whole: (name, { from, to }) => {
      const written = said(name);
      const wanted = Number(written?.text.trim() ?? standard(name));
      if (!written || (/^\d{1,9}$/.test(written.text.trim()) && wanted >= from && wanted <= to)) return wanted;
      problem(written.origin, `must be a whole number from ${from} to ${to}, is ${JSON.stringify(written.text)}`);
      return Number(standard(name) ?? from);
    },
    choice,
    list: (name) => splitList(text(name) ?? ''),
    copy,
    set,
    own: (path, value, ...from) => set(pathOf(path, source), value, ...from),
    problem,
    note: (told) => void notes.push(told),
    warn: (told) => void warnings.push(told),
  };

  // Also of variables that turn out not to be needed: two answers to one question are never left standing.
  for (const { name, to } of preset.variables) if (to !== '') said(name);
  copy(...preset.variables.filter(({ copied }) => copied).map(({ name }) => name));
  preset.arrange(draft);
  return { tree, origins, problems, notes, warnings };
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

const truths: ReadonlySet<string> = new Set(['true', 'yes', 'on', '1']);
const falsehoods: ReadonlySet<string> = new Set(['false', 'no', 'off', '0']);

/** `True` and `1` say the same, and so do `Etc/UTC` and `UTC`. */
function meaning(text: string): string {
  const word = text
    .trim()
    .toLowerCase()
    .replace(/^etc\/(?=utc$|gmt$)/, '');
  if (truths.has(word)) return 'true';
  if (falsehoods.has(word)) return 'false';
  return word === 'utc' || word === 'gmt' ? word : text;
}

function contradiction(one: EnvironmentValue, other: EnvironmentValue, { secret }: PresetVariable): string {
  if (secret) return `and ${other.origin} mean the same and differ; give one of them`;
  return `is ${JSON.stringify(one.text)} and ${other.origin} is ${JSON.stringify(other.text)}, which mean the same setting; give one of them`;
}

function variableOf({ name: preset, variables }: Preset, name: string): PresetVariable {
  const found = variables.find((variable) => variable.name === name);
  if (!found) throw new Error(`the preset ${preset} has no variable ${name}`);
  return found;
}
