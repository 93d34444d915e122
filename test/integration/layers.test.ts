import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** One file of every kind that could be imported. */
const targets = [
  'base/abort.ts',
  'engines/engine.ts',
  'engines/index.ts',
  'engines/postgres/options.ts',
  'engines/postgres/dump/dump.ts',
  'apps/app.ts',
  'apps/index.ts',
  'apps/files/options.ts',
  'apps/files/files.ts',
  'pipeline/pipeline.ts',
  'storage/storage.ts',
  'storage/index.ts',
  'storage/local/options.ts',
  'storage/local/files.ts',
  'catalog/catalog.ts',
  'catalog/sqlite/runs.ts',
  'notify/channel.ts',
  'notify/index.ts',
  'notify/email/options.ts',
  'notify/email/email.ts',
  'archive/format/manifest.ts',
  'care/proof/verify.ts',
  'backup/backup.ts',
  'restore/restore.ts',
  'schedule/due.ts',
  'access/access.ts',
  'config/load.ts',
  'api/server.ts',
  'cli/program.ts',
  'demo/demo.ts',
  'house.ts',
  'wiring.ts',
  'main.ts',
];

const contracts = [
  'base/abort.ts',
  'engines/engine.ts',
  'apps/app.ts',
  'pipeline/pipeline.ts',
  'storage/storage.ts',
  'catalog/catalog.ts',
];
/** Archives stand in a storage without anybody being told. */
const careful = [...contracts, 'notify/channel.ts'];
const recipes = [...careful, 'archive/format/manifest.ts', 'care/proof/verify.ts'];

/** The house rules again, written down apart from the linter's configuration: what each room may import. */
const allowed: Record<string, string[]> = {
  'base/new.ts': [],
  'engines/postgres/new.ts': ['base/abort.ts'],
  'apps/files/new.ts': ['base/abort.ts'],
  'pipeline/new.ts': ['base/abort.ts'],
  'storage/local/new.ts': ['base/abort.ts'],
  'catalog/sqlite/new.ts': ['base/abort.ts'],
  'notify/email/new.ts': ['base/abort.ts'],
  'archive/new.ts': ['base/abort.ts', 'engines/engine.ts', 'apps/app.ts', 'pipeline/pipeline.ts', 'storage/storage.ts'],
  'care/new.ts': [...careful, 'archive/format/manifest.ts'],
  'backup/new.ts': recipes,
  'restore/scopes/new.ts': [...recipes, 'backup/backup.ts'],
  'schedule/new.ts': [...recipes, 'backup/backup.ts', 'restore/restore.ts'],
  'schedule/due.ts': ['base/abort.ts'],
  'config/new.ts': [
    'base/abort.ts',
    'engines/index.ts',
    'engines/postgres/options.ts',
    'apps/index.ts',
    'apps/files/options.ts',
    'storage/index.ts',
    'storage/local/options.ts',
    'notify/index.ts',
    'notify/email/options.ts',
  ],
  'access/new.ts': ['base/abort.ts', 'catalog/catalog.ts'],
  'api/new.ts': [
    ...recipes,
    'backup/backup.ts',
    'restore/restore.ts',
    'schedule/due.ts',
    'access/access.ts',
    'config/load.ts',
    'house.ts',
  ],
  'cli/commands/new.ts': [
    ...recipes,
    'backup/backup.ts',
    'restore/restore.ts',
    'schedule/due.ts',
    'access/access.ts',
    'config/load.ts',
    'api/server.ts',
    'demo/demo.ts',
    'house.ts',
  ],
  'demo/new.ts': targets.filter((target) => !/^(cli|demo)\/|^main/.test(target)),
  'house.ts': targets.filter((target) => !/^(api|cli|demo)\/|^(house|wiring|main)/.test(target)),
  'wiring.ts': targets.filter((target) => !/^(api|cli|demo)\/|^(wiring|main)/.test(target)),
};

/** Whoever stands in a room may import its own files; those pairs prove nothing. */
const sameRoom = (from: string, to: string) => from.split('/')[0] === to.split('/')[0];

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'holdfast-layers-'));
  cpSync(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
  cpSync(join(root, 'tsconfig.json'), join(folder, 'tsconfig.json'));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Finding {
  code: string;
  filename: string;
  help: string;
  message: string;
  line: number;
}

/** Lints planted files (path below the checkout, text) with this checkout's own configuration. */
function lint(files: Record<string, string>): Finding[] {
  for (const name of ['src', 'test', 'bench', 'scripts']) rmSync(join(folder, name), { recursive: true, force: true });
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const oxlint = join(root, 'node_modules/.bin/oxlint');
  const result = spawnSync(oxlint, ['--type-aware', '-f', 'json'], { cwd: folder, encoding: 'utf8' });
  if (!result.stdout.trimStart().startsWith('{')) throw new Error(`oxlint said: ${result.stdout}${result.stderr}`);
  const { diagnostics } = JSON.parse(result.stdout) as {
    diagnostics: {
      code: string;
      filename: string;
      help?: string;
      message: string;
      labels: { span: { line: number } }[];
    }[];
  };
  return diagnostics.map(({ labels, help = '', ...rest }) => ({ ...rest, help, line: labels[0]?.span.line ?? 0 }));
}

const specifier = (from: string, to: string) => {
  const path = relative(dirname(from), to);
  return path.startsWith('.') ? path : `./${path}`;
};

describe('who may import whom', () => {
  test('every folder of src is in the table', () => {
    const known = new Set(Object.keys(allowed).map((path) => path.split('/')[0]));
    const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    expect(folders.map((entry) => entry.name).filter((name) => !known.has(name))).toEqual([]);
  });

  test('each forbidden import is refused with a reason, and each allowed one is not', () => {
    const pairs = Object.keys(allowed).flatMap((from) =>
      targets.filter((to) => !sameRoom(from, to) && from !== to).map((to) => ({ from, to })),
    );
    const files: Record<string, string> = {};
    for (const { from, to } of pairs) {
      files[`src/${from}`] = `${files[`src/${from}`] ?? ''}export * from '${specifier(from, to)}';\n`;
    }
    const findings = lint(files).filter(({ code }) => code === 'eslint(no-restricted-imports)');
    const refused = new Set(findings.map(({ filename, message }) => `${filename} ${/'(.*?)'/.exec(message)?.[1]}`));
    const wrong = pairs.filter(
      ({ from, to }) => refused.has(`src/${from} ${specifier(from, to)}`) === (allowed[from] ?? []).includes(to),
    );
    expect(wrong).toEqual([]);
    expect(findings.length).toBeGreaterThan(150);
    expect(findings.filter(({ help }) => help.length < 10)).toEqual([]);
  });

  test('types, later imports and the way round through src are imports too', () => {
    const findings = lint({
      'src/pipeline/types.ts': "import type { A } from '../storage/storage.ts';\nexport type B = A;\n",
      'src/pipeline/later.ts': "export const later = () => import('../storage/storage.ts');\n",
      'src/pipeline/round.ts': "export * from '../../src/storage/storage.ts';\n",
    });
    expect(findings.map(({ filename, code }) => `${filename} ${code}`).toSorted()).toEqual([
      'src/pipeline/later.ts eslint(no-restricted-imports)',
      'src/pipeline/round.ts eslint(no-restricted-imports)',
      'src/pipeline/types.ts eslint(no-restricted-imports)',
    ]);
  });

  test('a command may know the types of wiring.ts, not its parts', () => {
    const findings = lint({
      'src/cli/types.ts': "import type { A } from '../wiring.ts';\nexport type B = A;\n",
      'src/cli/parts.ts': "export { open } from '../wiring.ts';\n",
    });
    expect(findings.map(({ filename }) => filename)).toEqual(['src/cli/parts.ts']);
  });
});

describe('rooms inside of rooms', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .map((path) => path.replaceAll('\\', '/'));

  /** By room, which of its folders import from which others. */
  function pathsBetweenFolders(): Map<string, Map<string, Set<string>>> {
    const rooms = new Map<string, Map<string, Set<string>>>();
    for (const path of sources) {
      const text = readFileSync(join(root, 'src', path), 'utf8');
      for (const [, wanted = ''] of text.matchAll(/(?:from|import\() ?'(\.[^']+\.ts)'/g)) {
        const here = path.split('/');
        const there = join(dirname(path), wanted).split('/');
        const shared = here.findIndex((part, at) => part !== there[at]);
        // Files that lie in the room itself are its front or its ground.
        if (shared < 1 || here.length <= shared + 1 || there.length <= shared + 1) continue;
        const room = here.slice(0, shared).join('/');
        const [from = '', to = ''] = [here[shared], there[shared]];
        const paths = rooms.get(room) ?? new Map<string, Set<string>>();
        rooms.set(room, paths.set(from, (paths.get(from) ?? new Set<string>()).add(to)));
      }
    }
    return rooms;
  }

  function reachable(paths: ReadonlyMap<string, ReadonlySet<string>>, from: string): Set<string> {
    const seen = new Set<string>();
    const open = [from];
    for (let next = open.pop(); next !== undefined; next = open.pop())
      for (const to of paths.get(next) ?? []) if (!seen.has(to)) open.push((seen.add(to), to));
    return seen;
  }

  test('the folders of a room know each other in one direction', () => {
    const rooms = pathsBetweenFolders();
    expect([...rooms.keys()]).toEqual(expect.arrayContaining(['engines/postgres', 'engines/mysql', 'care', 'archive']));
    const round = [...rooms].flatMap(([room, paths]) =>
      [...paths.keys()].filter((name) => reachable(paths, name).has(name)).map((name) => `${room}/${name}`),
    );
    expect(round).toEqual([]);
  });
});

describe('what only one place may do', () => {
  const planted: { name: string; text: string; code: string; refused: string[]; fine: string[] }[] = [
    {
      name: 'starting a program',
      text: "export { spawn } from 'node:child_process';\n",
      code: 'eslint(no-restricted-imports)',
      refused: [...Object.keys(allowed), 'main.ts'].map((path) => `src/${path}`),
      fine: ['src/base/run-process.ts', 'src/base/guardian.ts', 'test/support/new.ts', 'bench/new.ts'],
    },
    {
      name: 'reading the environment',
      text: 'export const home = process.env.HOME;\n',
      code: 'node(no-process-env)',
      refused: ['src/config/new.ts', 'src/cli/new.ts', 'src/main.ts'],
      fine: ['src/config/load.ts', 'src/base/run-process.ts'],
    },
    {
      name: 'ending the process',
      text: 'export function leave(): void {\n  process.exit(1);\n}\n',
      code: 'unicorn(no-process-exit)',
      refused: ['src/cli/new.ts', 'src/base/new.ts', 'src/wiring.ts'],
      fine: ['src/main.ts'],
    },
    {
      name: 'reading the clock in due.ts',
      text: 'export const now = () => Date.now();\n',
      code: 'eslint(no-restricted-properties)',
      refused: ['src/schedule/due.ts'],
      fine: ['src/schedule/scheduler.ts'],
    },
  ];
  test.each(planted)('$name', ({ text, code, refused, fine }) => {
    const findings = lint(Object.fromEntries([...refused, ...fine].map((path) => [path, text])));
    const found = new Set(findings.filter((finding) => finding.code === code).map(({ filename }) => filename));
    expect([...found].toSorted()).toEqual(refused.toSorted());
  });

  test.each([
    [
      'a promise nobody waits for',
      'typescript(no-floating-promises)',
      'src/care/new.ts',
      'async function work(): Promise<void> {}\nexport function go(): void {\n  work();\n}\n',
    ],
    ['any', 'typescript(no-explicit-any)', 'src/care/new.ts', 'export const value = (text: string): any => text;\n'],
    ['a default export', 'import(no-default-export)', 'src/care/new.ts', 'export default 1;\n'],
    ['a name that is not kebab-case', 'unicorn(filename-case)', 'src/care/newThing.ts', 'export const value = 1;\n'],
  ])('%s is refused', (_, code, path, text) => {
    expect(lint({ [path]: text }).map((finding) => finding.code)).toContain(code);
  });

  test('two files that import each other are refused, types included', () => {
    const findings = lint({
      'src/care/one.ts': "import { two } from './two.ts';\nexport const one = (): number => two();\n",
      'src/care/two.ts': "import { one } from './one.ts';\nexport const two = (): number => one();\n",
      'src/base/a.ts': "import type { B } from './b.ts';\nexport interface A {\n  b: B;\n}\n",
      'src/base/b.ts': "import type { A } from './a.ts';\nexport interface B {\n  a: A;\n}\n",
    });
    const cyclic = findings.filter(({ code }) => code === 'import(no-cycle)').map(({ filename }) => filename);
    expect(cyclic.toSorted()).toEqual(['src/base/a.ts', 'src/base/b.ts', 'src/care/one.ts', 'src/care/two.ts']);
  });
});
