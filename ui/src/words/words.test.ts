import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { de } from './de.ts';
import { en } from './en.ts';
import { problemsEn } from './problems.ts';

function keysOf(words: object, above = ''): string[] {
  return Object.entries(words).flatMap(([key, value]) =>
    typeof value === 'string' ? [above + key] : keysOf(value as object, `${above}${key}.`),
  );
}

function placeholders(words: object, above = ''): [string, string[]][] {
  return Object.entries(words).flatMap(([key, value]): [string, string[]][] =>
    typeof value === 'string'
      ? [[above + key, (value.match(/\{\{\w+\}\}/g) ?? []).toSorted()]]
      : placeholders(value as object, `${above}${key}.`),
  );
}

test('English and German have the same words, none of them empty', () => {
  expect(keysOf(de).toSorted()).toEqual(keysOf(en).toSorted());
  expect(JSON.stringify([en, de])).not.toContain('""');
});

test('what is filled in is the same in both', () => {
  expect(Object.fromEntries(placeholders(de))).toEqual(Object.fromEntries(placeholders(en)));
});

test('every problem told in our own words is one of the server', () => {
  const page = readFileSync(join(import.meta.dirname, '../../../docs/errors.md'), 'utf8');
  for (const code of Object.keys(problemsEn)) expect(page).toContain(`\`${code}\``);
});
