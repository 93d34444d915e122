import { expect, test } from 'vitest';
import type { Command } from '../command.ts';
import { commands } from '../commands/index.ts';
import { bashCompletion } from './bash.ts';
import { fishCompletion } from './fish.ts';
import { completedCommands, quoted } from './words.ts';
import { zshCompletion } from './zsh.ts';

const sample: Command[] = [
  {
    name: 'verify',
    aliases: ['check-it'],
    summary: "don't trust, verify",
    arguments: [{ name: 'id', summary: 'which', complete: 'backup' }],
    options: [
      { name: 'depth', value: 'depth', choices: ['checksum', 'structure'], summary: 'how deep' },
      { name: 'to', value: 'folder', complete: 'folder', summary: 'where' },
      { name: 'force', summary: 'old', hidden: true },
    ],
    examples: [],
  },
  { name: 'config', summary: 'look', examples: [], commands: [{ name: 'show', summary: 'it', examples: [] }] },
];

test('every command below another is known by its path, and hidden options are nobody’s business', () => {
  expect(completedCommands(sample).map(({ path }) => path.join(' '))).toEqual(['verify', 'config', 'config show']);
  expect(completedCommands(sample)[0]?.options.map(({ name }) => name)).not.toContain('force');
});

test('bash: commands, options, values', () => {
  const script = bashCompletion(sample);
  expect(script).toContain(`compgen -W 'verify config'`);
  expect(script).toContain(`'verify --depth') COMPREPLY=($(compgen -W 'checksum structure' -- "$current")); return ;;`);
  expect(script).toContain('holdfast completion --values backup');
  expect(script).toContain('compgen -d');
  expect(script).toContain(`'config show') command=config_show`);
});

test('zsh and fish: names, choices, and quotes that hold', () => {
  const zsh = zshCompletion(sample);
  expect(zsh).toContain(`'--depth[how deep]:depth:(checksum structure)'`);
  expect(zsh).toContain('verify|check-it)');
  const fish = fishCompletion(sample);
  expect(fish).toContain(String.raw`-a verify -d 'don'\''t trust, verify'`);
  expect(fish).toContain(`-l depth -x -a 'checksum structure'`);
});

test('every command and option of the program is in each script', () => {
  const scripts = [bashCompletion(commands), zshCompletion(commands), fishCompletion(commands)];
  for (const { path, options } of completedCommands(commands)) {
    for (const script of scripts) {
      expect(script).toContain(path.at(-1));
      for (const { name } of options) expect(script).toContain(name);
    }
  }
});

test('quotes', () => {
  expect(quoted("it's")).toBe(String.raw`'it'\''s'`);
});
