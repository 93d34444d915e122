import { nearest } from '../nearest.ts';
import type { Problem } from '../problems.ts';
import { presets } from './index.ts';
import { namesOf, presetNames, type Preset } from './preset.ts';

export interface Choice {
  preset: Preset | null;
  /** Nobody said which one: the variables leave no doubt. */
  detected: boolean;
  problem: Problem | null;
}

const none: Choice = { preset: null, detected: false, problem: null };

/** `HOLDFAST_PRESET`, or else the one system these variables can only belong to. */
export function choosePreset(wanted: string | undefined, has: (name: string) => boolean): Choice {
  const word = wanted?.trim().toLowerCase();
  if (word === 'none') return none;
  if (word !== undefined) {
    const preset = presets.find(({ name }) => name === word) ?? null;
    return { preset, detected: false, problem: preset ? null : unknown(word) };
  }
  const found = presets.filter(({ detect }) => detect(has));
  const [only, ...others] = found;
  if (only === undefined) return none;
  if (others.length === 0) return { preset: only, detected: true, problem: null };
  const names = found.map(({ name }) => name).join(' and ');
  const message = `is not given, and the variables look like those of ${names}; set it to one of them, or to none`;
  return { preset: null, detected: true, problem: { path: [], variable: 'HOLDFAST_PRESET', line: null, message } };
}

function unknown(word: string): Problem {
  const allowed = [...presetNames, 'none'];
  const close = nearest(word, allowed);
  const message = `is ${JSON.stringify(word)}${close ? `; did you mean ${close}?` : ''}; allowed: ${allowed.join(', ')}`;
  return { path: [], variable: 'HOLDFAST_PRESET', line: null, message };
}

/** Names that can only be meant for this system and that it does not have. */
export function unknownNames({ variables, prefix, foreign = [] }: Preset, given: readonly string[]): string[] {
  if (prefix === undefined) return [];
  const names = variables.flatMap(namesOf).filter((name) => name.startsWith(prefix));
  const known = new Set([...names, ...names.map((name) => `${name}_FILE`), ...foreign]);
  return given
    .filter((name) => name.startsWith(prefix) && !known.has(name))
    .map((name) => {
      const close = nearest(
        name.slice(prefix.length),
        [...known].map((each) => each.slice(prefix.length)),
      );
      return `the variable ${name} is not known to this preset and has no effect${close ? `; did you mean ${prefix}${close}?` : ''}`;
    });
}
