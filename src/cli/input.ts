import { HoldfastError } from '../base/errors.ts';
import type { CommandInput } from './command.ts';

export type Given = Record<string, string | readonly string[] | boolean | undefined>;

/** What was typed, by the names in the definition of the command. */
export function inputOf(given: Given): CommandInput {
  const text = (name: string): string | undefined => {
    const value = given[name];
    return typeof value === 'string' ? value : undefined;
  };
  return {
    text,
    texts: (name) => {
      const value = given[name];
      return Array.isArray(value) ? [...value] : typeof value === 'string' ? [value] : [];
    },
    flag: (name) => given[name] === true,
    number: (name) => {
      const value = text(name);
      if (value === undefined) return undefined;
      const number = Number(value);
      if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= 1) return number;
      throw new HoldfastError('VALUE_INVALID', `--${name} ${value} is not a whole number of at least 1`, {
        kind: 'usage',
        hint: `Give it as \`--${name} 4\`.`,
      });
    },
  };
}

/** A value that the definition of the command makes certain. */
export function required(input: CommandInput, name: string): string {
  const value = input.text(name);
  if (value === undefined)
    throw new HoldfastError('ARGUMENT_MISSING', `the argument ${name} is missing`, { kind: 'usage' });
  return value;
}
