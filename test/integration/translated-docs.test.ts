import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { modernArgv } from '../../src/cli/argv.ts';
import { buildProgram } from '../../src/cli/build-program.ts';
import { commands } from '../../src/cli/commands/index.ts';

/** Pages that exist in two languages say the same: what is no prose is compared, and what is to be typed is understood. */
const pairs = [
  ['README.md', 'README.de.md'],
  ['docs/nocodb.md', 'docs/nocodb.de.md'],
] as const;
const read = (path: string) => readFileSync(join(import.meta.dirname, '../..', path), 'utf8');

interface Section {
  level: number;
  rows: number;
  /** Names of files, settings, commands and the like are the same in every language. */
  names: string[];
  blocks: string[];
}

const fence = /^```(\w*)\n(.*?)^```$/gms;

/** Pure. What is before the first heading belongs to nothing. */
function sectionsOf(page: string): Section[] {
  const blocks = [...page.matchAll(fence)].map(
    ([, language = '', text = '']) => `${language}\n${withoutComments(text)}`,
  );
  // A comment in a block looks like a heading, so blocks are taken out and put back by their number.
  let next = 0;
  const prose = page.replaceAll(fence, () => `@block${next++}@`);
  const heads = [...prose.matchAll(/^(#{1,6}) .+$/gm)];
  return heads.map((head, index) => {
    const text = prose.slice(head.index, heads[index + 1]?.index);
    const numbers = [...text.matchAll(/@block(\d+)@/g)].map(([, number]) => Number(number));
    return {
      level: head[1]?.length ?? 0,
      rows: text.split('\n').filter((line) => line.startsWith('|')).length,
      names: [...new Set([...text.matchAll(/`([^`\n]+)`/g)].map(([, name = '']) => name))].toSorted(),
      blocks: numbers.map((number) => blocks[number] ?? ''),
    };
  });
}

function withoutComments(block: string): string {
  return block.replaceAll(/(^|[ \t]+)#.*$/gm, '');
}

/** Each page may link to itself in the other language, and to the other language of what it links to. */
function linksOf(page: string): string[] {
  const targets = [...page.replaceAll(fence, '').matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return [...new Set(targets.map((target) => target.replace(/\.de\.md(?=#|$)/, '.md')))].toSorted();
}

/** Every command of Holdfast that stands there to be typed, as a shell would hand it over. */
function linesOf(page: string): string[][] {
  const blocks = [...page.matchAll(fence)].flatMap(([, , text = '']) => withoutComments(text).split('\n'));
  const inline = [...page.replaceAll(fence, '').matchAll(/`([^`\n]+)`/g)].map(([, text = '']) => text);
  return [...blocks, ...inline].flatMap((line) => {
    const typed = /(?:^|\s)holdfast +(\S.*)$/.exec(line.replace(/^npm i .*$/, ''))?.[1];
    return typed === undefined ? [] : [wordsOf(typed)];
  });
}

function wordsOf(typed: string): string[] {
  return [...typed.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare);
}

/** The name of the command that these words call; it throws as the program does when it does not know them. */
function commandOf(words: readonly string[]): string | null {
  let called: string | null = null;
  const silent = new PassThrough().resume();
  const program = buildProgram({
    commands,
    version: '0.0.0',
    io: { stdout: silent, stderr: silent, color: false, columns: 80, terminal: false },
    onCommand: (command) => {
      called = command.name;
    },
  });
  program.parse(modernArgv(words), { from: 'user' });
  return called;
}

describe.each(pairs)('%s and %s', (english, other) => {
  const [one, two] = [read(english), read(other)];

  test('have the same sections, tables, names and blocks of code', () => {
    expect(sectionsOf(two)).toEqual(sectionsOf(one));
    expect(sectionsOf(one).length).toBeGreaterThan(5);
  });

  test('link to the same, and to each other', () => {
    expect(linksOf(two)).toEqual(linksOf(one));
    const [name, otherName] = [english, other].map((path) => path.slice(path.lastIndexOf('/') + 1));
    expect(one.split('\n').slice(0, 4).join('\n')).toContain(`(${otherName})`);
    expect(two.split('\n').slice(0, 4).join('\n')).toContain(`(${name})`);
  });
});

describe.each(pairs.flat())('%s', (page) => {
  const lines = linesOf(read(page));

  test('has commands', () => expect(lines.length).toBeGreaterThan(4));

  test.each(lines.map((words) => [words.join(' '), words] as const))(
    'holdfast %s is a command with options that exist',
    (_, words) => {
      expect(commandOf(words)).not.toBeNull();
    },
  );
});

test('what is not the same is found', () => {
  const page = read('docs/nocodb.md');
  for (const changed of [
    page.replace('\n## By hand', '\n### By hand'),
    page.replace(/^\| `files` .*\n/m, ''),
    page.replace('--with-attachments\n', '--with-files\n'),
    page.replaceAll('`timeout`', '`timeouts`'),
  ])
    expect(sectionsOf(changed)).not.toEqual(sectionsOf(page));
  expect(linksOf(page.replace('(recover.md)', '(restore.md)'))).not.toEqual(linksOf(page));
  expect(() => commandOf(['restore', 'records', 'latest', '--with-files'])).toThrow(/unknown option/);
  expect(() => commandOf(['restore-everything'])).toThrow(/unknown command/);
});
