import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

/** What the shells themselves make of the scripts that `completion` prints. */
const program = join(import.meta.dirname, '../../bin/holdfast');
const { PATH = '', HOME = '' } = process.env;
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-completion-'));
  // Nothing answers there: completion must not need the database.
  writeFileSync(
    join(folder, 'holdfast.yaml'),
    'sources: { shop: { database: { url: "postgres://nobody@127.0.0.1:1/shop" } } }\nstorages: { local: { type: local, path: ./kept } }\n',
    { mode: 0o600 },
  );
  mkdirSync(join(folder, 'lane'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const isHere = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

function run(shell: string, args: readonly string[]) {
  const env = { PATH, HOME, TERM: 'xterm' };
  const { status, stdout, stderr } = spawnSync(shell, args, { encoding: 'utf8', cwd: folder, env });
  return { status, stdout, stderr };
}

const syntaxChecks = [
  ['bash', '-n'],
  ['zsh', '-n'],
  ['fish', '--no-execute'],
] as const;
for (const [shell, check] of syntaxChecks) {
  test.skipIf(!isHere(shell))(`the script for ${shell} has no syntax error`, () => {
    const script = join(folder, `script.${shell}`);
    writeFileSync(script, run(program, ['completion', shell]).stdout);
    expect(run(shell, [check, script])).toMatchObject({ status: 0, stderr: '' });
  });
}

const lines = (text: string) => text.split('\n').filter((line) => line !== '');

test('bash completes commands, options, choices and names', () => {
  const complete = (line: string) => {
    const words = line.split(' ');
    const script = `
      eval "$('${program}' completion bash)"
      holdfast() { '${program}' "$@"; }
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length - 1}
      _holdfast
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { status, stdout } = run('bash', ['-c', script]);
    expect(status).toBe(0);
    return lines(stdout);
  };
  expect(complete('holdfast ver')).toEqual(['verify']);
  expect(complete('holdfast verify --de')).toEqual(['--depth', '--debug']);
  expect(complete('holdfast verify --depth ')).toEqual(['checksum', 'structure']);
  expect(complete('holdfast restore-dump --in')).toEqual(['--into', '--in-place']);
  expect(complete('holdfast config ')).toEqual(expect.arrayContaining(['show', 'validate', 'export']));
  expect(complete('holdfast list --source ')).toEqual(['shop']);
  expect(complete('holdfast restore l')).toEqual(['latest']);
  expect(complete('holdfast restore files --tr')).toEqual(['--tree']);
  expect(complete('holdfast restore files l')).toEqual(['latest']);
});

describe.skipIf(!isHere('fish'))('fish', () => {
  const complete = (line: string) => {
    const script = `
      function holdfast; '${program}' $argv; end
      '${program}' completion fish | source
      complete -C '${line}'`;
    const { status, stdout } = run('fish', ['--no-config', '-c', script]);
    expect(status).toBe(0);
    return lines(stdout)
      .map((each) => each.split('\t')[0] ?? '')
      .toSorted((a, b) => a.localeCompare(b));
  };

  test('completes commands, options, choices and names, and no files where none are meant', () => {
    expect(complete('holdfast ver')).toEqual(['verify']);
    expect(complete('holdfast verify --de')).toEqual(['--debug', '--depth']);
    expect(complete('holdfast verify --depth ')).toEqual(['checksum', 'structure']);
    expect(complete('holdfast config ')).toEqual(expect.arrayContaining(['show', 'validate', 'export']));
    expect(complete('holdfast list --source ')).toEqual(['shop']);
    expect(complete('holdfast restore l')).toEqual(['latest']);
    expect(complete('holdfast list --config hold')).toEqual(['holdfast.yaml']);
    expect(complete('holdfast restore files --tr')).toEqual(['--tree']);
    expect(complete('holdfast restore files --in')).toEqual([]);
    expect(complete('holdfast restore-files --tr')).toEqual(['--tree']);
    expect(complete('holdfast restore files l')).toEqual(['latest']);
  });
});

describe.skipIf(!isHere('zsh'))('zsh', () => {
  /** Typed at a terminal: the tabulator after each, then Enter; the program says what it was called with. */
  const completed = (...typed: string[]) => {
    const setUp = `holdfast() { if [[ $1 == completion ]]; then '${program}' "$@"; else print -r -- "called: $*"; fi }; autoload -U compinit; compinit -u -D; eval "$('${program}' completion zsh)"`;
    const driver = `
      zmodload zsh/zpty
      zpty terminal 'zsh -f -i'
      zpty -w terminal ${quote(setUp)}
      ${typed.map((line) => `zpty -w terminal ${quote(line)}$'\\t'`).join('\n')}
      zpty -w terminal exit
      while zpty -r terminal piece; do print -rn -- $piece; done`;
    const { stdout } = run('zsh', ['-f', '-c', driver]);
    return [...stdout.matchAll(/^called: (.*?)\s*$/gm)].map(([, words]) => words);
  };
  const quote = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`;

  test('completes commands, options, choices and names', () => {
    expect(
      completed(
        'holdfast veri',
        'holdfast verify --dep',
        'holdfast verify --depth ch',
        'holdfast config vali',
        'holdfast list --source s',
        'holdfast restore l',
        'holdfast restore files --tr',
        'holdfast restore files l',
      ),
    ).toEqual([
      'verify',
      'verify --depth',
      'verify --depth checksum',
      'config validate',
      'list --source shop',
      'restore latest',
      'restore files --tree',
      'restore files latest',
    ]);
  });
});
