import { Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { systemClock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { House } from '../house.ts';
import type { Command, CommandContext, CommandInput, Io } from './command.ts';
import { commands } from './commands/index.ts';
import { openScreen } from './output/screen.ts';
import { runProgram } from './program.ts';

interface Seen {
  context: CommandContext;
  input: CommandInput;
}

const calls: Seen[] = [];
const sample: Command = {
  name: 'sample',
  aliases: ['example'],
  summary: 'does nothing',
  group: 'look',
  arguments: [
    { name: 'first', summary: 'one', optional: true },
    { name: 'more', summary: 'others', optional: true, repeat: true },
  ],
  options: [
    { name: 'depth', value: 'depth', choices: ['checksum', 'structure'], summary: 'how deep' },
    { name: 'table', value: 'table', repeat: true, summary: 'which' },
    { name: 'allow', value: 'guard', repeat: true, choices: ['script', 'unpatched'], summary: 'lift it' },
    { name: 'place', value: 'place', summary: 'where' },
    { name: 'note', value: 'text', mayBeEmpty: true, summary: 'why' },
    { name: 'dry-run', summary: 'only look' },
    { name: 'no-owner', summary: 'without owners' },
    { name: 'force', short: 'f', summary: 'an old name', hidden: true },
  ],
  examples: [{ line: 'holdfast sample', does: 'nothing' }],
  run: async (context, input) => void calls.push({ context, input }),
};
const failing: Command = {
  name: 'failing',
  summary: 'fails',
  examples: [{ line: 'holdfast failing', does: 'fail' }],
  run: async () => {
    throw new HoldfastError('SOURCE_BUSY', 'somebody else is at it', { kind: 'busy', hint: 'Wait.' });
  },
};
const opening: Command = {
  name: 'opening',
  summary: 'opens the house twice',
  examples: [{ line: 'holdfast opening', does: 'open' }],
  run: async (context) => {
    expect(await context.house()).toBe(await context.house());
    throw new Error('after opening');
  },
};

async function run(argv: string[], list: readonly Command[] = [sample, failing, opening]) {
  const written = { stdout: '', stderr: '' };
  const sink = (name: keyof typeof written) =>
    new Writable({ write: (chunk, _encoding, next) => ((written[name] += String(chunk)), next()) });
  const stderr = sink('stderr');
  const io: Io = {
    stdin: Readable.from([]),
    stdout: sink('stdout'),
    stderr,
    screen: openScreen(stderr, false),
    interactive: false,
    terminal: false,
    live: false,
    color: false,
    errorColor: false,
    columns: 80,
  };
  const house = { opened: 0, closed: 0 };
  calls.length = 0;
  const ending = await runProgram({
    argv,
    io,
    env: {},
    cwd: '/',
    signal: new AbortController().signal,
    clock: systemClock,
    version: '1.2.3',
    commands: list,
    loadConfig: async () =>
      ({ file: null, warnings: ['look out'] as readonly string[], notes: [] as readonly string[] }) as LoadedConfig,
    openCatalog: async () => {
      throw new Error('no command here asks for the catalog');
    },
    openHouse: async (loaded) => {
      house.opened += 1;
      const parts: Partial<House> = { loaded, [Symbol.asyncDispose]: async () => void (house.closed += 1) };
      return parts as House;
    },
  });
  return { ending, ...written, house, seen: calls[0] };
}

test('arguments, options and flags reach the command by their names', async () => {
  const { ending, seen } = await run([
    'sample',
    'a',
    'b',
    'c',
    '--depth',
    'checksum',
    '--table',
    'x',
    '--table',
    'y',
    '--dry-run',
    '--no-owner',
    '-f',
  ]);
  expect(ending).toBe('done');
  expect(seen?.input.text('first')).toBe('a');
  expect(seen?.input.texts('more')).toEqual(['b', 'c']);
  expect(seen?.input.text('depth')).toBe('checksum');
  expect(seen?.input.texts('table')).toEqual(['x', 'y']);
  expect(['dry-run', 'no-owner', 'force'].map((name) => seen?.input.flag(name))).toEqual([true, true, true]);
});

test('what was not given is undefined, empty or false', async () => {
  const { seen } = await run(['example']);
  expect([seen?.input.text('first'), seen?.input.text('depth')]).toEqual([undefined, undefined]);
  expect([seen?.input.texts('more'), seen?.input.texts('table')]).toEqual([[], []]);
  expect(['dry-run', 'no-owner', 'force'].map((name) => seen?.input.flag(name))).toEqual([false, false, false]);
});

test.each([
  [['--json', '--source', 'shop', '--storage', 'offsite', '--config', 'x.yaml', '-y', '--debug', 'sample']],
  [['sample', '--json', '--source', 'shop', '--storage', 'offsite', '--config', 'x.yaml', '--yes', '--debug']],
])('options of every command stand before or after it: %j', async (argv) => {
  const { seen } = await run(argv);
  expect(seen?.context).toMatchObject({
    json: true,
    source: 'shop',
    storage: 'offsite',
    config: 'x.yaml',
    yes: true,
    debug: true,
  });
});

test.each([
  [['smaple'], 'COMMAND_UNKNOWN', 'Did you mean sample?'],
  [['sample', '--dpeth', 'checksum'], 'OPTION_UNKNOWN', 'Did you mean --depth?'],
  [['sample', '--table', ''], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--table', 'a', '--table', ''], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--place='], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--source', ''], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', ''], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', 'a', 'b', ''], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--depth', 'deep'], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--allow', 'script', '--allow', 'all'], 'VALUE_INVALID', 'holdfast sample --help'],
  [['sample', '--depth'], 'VALUE_MISSING', 'holdfast sample --help'],
  [['failing', 'a'], 'ARGUMENT_UNEXPECTED', 'holdfast failing --help'],
  [['failing', 'sample'], 'ARGUMENT_UNEXPECTED', 'holdfast failing --help'],
])('wrong usage %j is %s with a hint', async (argv, code, hint) => {
  const { ending, stdout, stderr } = await run(argv);
  expect(ending).toBe('usage');
  expect(stdout).toBe('');
  expect(stderr).toContain(`(${code})`);
  expect(stderr).toContain(hint);
  expect(stderr).toMatch(/^error: [^A-Z]/);
});

test('an error ends with its kind, is told on the error output only, and with --json as JSON', async () => {
  const text = await run(['failing']);
  expect(text).toMatchObject({
    ending: 'busy',
    stdout: '',
    stderr: 'error: somebody else is at it (SOURCE_BUSY)\nhint: Wait.\n',
  });
  const json = await run(['failing', '--json']);
  expect(json.stdout).toBe('');
  expect(JSON.parse(json.stderr)).toEqual({
    error: { code: 'SOURCE_BUSY', message: 'somebody else is at it', hint: 'Wait.', cause: null },
  });
});

test('the house is opened once, and closed also after a failure', async () => {
  const { ending, house, stderr } = await run(['opening']);
  expect({ ending, stderr }).toEqual({
    ending: 'failed',
    stderr: 'warning: look out\nerror: after opening (UNEXPECTED)\n',
  });
  expect(house).toEqual({ opened: 1, closed: 1 });
});

test('the name alone, --help and --version print to standard output and are no error', async () => {
  for (const argv of [[], ['--help'], ['sample', '--help'], ['--version']]) {
    const { ending, stdout, stderr } = await run(argv);
    expect({ ending, stderr }).toEqual({ ending: 'done', stderr: '' });
    expect(stdout.length).toBeGreaterThan(4);
  }
});

test('hidden options and names of older systems stay out of the way', async () => {
  const { stdout } = await run(['sample', '--help']);
  expect(stdout).not.toContain('--force');
  expect(stdout).toContain('Usage: holdfast sample [first] [more...] [options]');
  expect(stdout).toContain('Also known as: example');
});

test('N-36 N-39 to N-43 what the older system asked before takes --force, and does not show it', () => {
  const asking = [
    'delete',
    'restore',
    ...['files', 'schema', 'records', 'attachments'].map((part) => `restore-${part}`),
  ];
  for (const name of asking) {
    const options = commands.find((command) => command.name === name)?.options ?? [];
    const force = { name: 'force', summary: 'same as --yes', hidden: true };
    expect(options, name).toContainEqual(expect.objectContaining(force));
  }
});

test('every command has a summary that fits, an example that begins with holdfast, and names nobody else has', () => {
  const all = commands.flatMap((command) => [command, ...(command.commands ?? [])]);
  for (const command of all) {
    expect(command.summary, command.name).toMatch(/[^.]$/);
    expect(command.examples.length, command.name).toBeGreaterThan(0);
    for (const { line } of command.examples) expect(line).toMatch(/holdfast /);
  }
  for (const command of commands) expect(command.summary.length, command.name).toBeLessThanOrEqual(57);
  const names = commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]);
  expect(new Set(names).size).toBe(names.length);
});

test.each(['create', 'now', 'restore-dump', 'cleanup', 'test-config'])(
  'T-02 N-39 J-15 the older name %s is still understood',
  async (name) => {
    const { ending, stdout } = await run([name, '--help'], commands);
    expect(ending).toBe('done');
    expect(stdout).toContain(`Also known as:`);
  },
);
