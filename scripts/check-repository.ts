import { execFileSync } from 'node:child_process';
import { existsSync, globSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { commands } from '../src/cli/commands/index.ts';
import { generatedDocs } from './generated-docs.ts';

/** What the compiler and the linter cannot see: that texts, names and files of the repository agree with each other. */
const root = join(import.meta.dirname, '..');
const files = listFiles().filter((path) => existsSync(join(root, path)));
const pages = files.filter((path) => path.endsWith('.md'));
const read = (path: string) => readFileSync(join(root, path), 'utf8');

const problems = [
  ...brokenLinks(),
  ...unknownCommands(),
  ...loosePins(),
  ...foreignTraces(),
  ...staleDocs(),
  ...longFiles(),
  ...versionsApart(),
  ...errorCodesApart(),
];
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`${files.length} files agree with each other`);
process.exitCode = problems.length === 0 ? 0 : 1;

/** What git knows or would know; in an unpacked archive without git, everything that was not made here. */
function listFiles(): string[] {
  try {
    const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], {
      cwd: root,
      encoding: 'utf8',
      stdio: 'pipe',
    });
    return listed.split('\0').filter((path) => path !== '');
  } catch {
    const made = /^(node_modules|dist|coverage|\.git)(\/|$)/;
    return globSync('**/*', { cwd: root, exclude: (path) => made.test(path) }).filter((path) =>
      statSync(join(root, path)).isFile(),
    );
  }
}

function brokenLinks(): string[] {
  return pages.flatMap((page) => {
    const text = withoutCode(read(page));
    const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, target]) => target as string);
    return targets
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !linkResolves(page, target))
      .map((target) => `${page}: the link ${target} leads nowhere`);
  });
}

function linkResolves(page: string, target: string): boolean {
  const [path = '', anchor] = target.split('#', 2);
  const file = path === '' ? page : normalize(join(dirname(page), path));
  if (!existsSync(join(root, file))) return false;
  return anchor === undefined || !file.endsWith('.md') || anchorsOf(read(file)).has(anchor);
}

function anchorsOf(text: string): Set<string> {
  const headings = [...text.matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading]) => heading as string);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** `holdfast something` in a code block or in backticks must be a command (or one of its other names). */
function unknownCommands(): string[] {
  const known = new Set(commands.flatMap(({ name, aliases }) => [name, ...(aliases ?? [])]));
  return pages.flatMap((page) => {
    const code = [...read(page).matchAll(/```.*?```|`[^`\n]+`/gs)].map(([text]) => text).join('\n');
    const named = [...code.matchAll(/(?:^|[\s`/])holdfast +([a-z][a-z-]*)(?=[\s`])/g)].map(
      ([, name]) => name as string,
    );
    return [...new Set(named)]
      .filter((name) => !known.has(name))
      .map((name) => `${page}: holdfast ${name} is not a command`);
  });
}

function loosePins(): string[] {
  const manifest = JSON.parse(read('package.json')) as Record<string, Record<string, string> | undefined>;
  return ['dependencies', 'devDependencies', 'optionalDependencies'].flatMap((group) =>
    Object.entries(manifest[group] ?? {})
      .filter(([, version]) => !/^(npm:.+@)?\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
      .map(([name, version]) => `package.json: ${name} is not pinned to one version (${version})`),
  );
}

/** Nothing may tell where the code was written: such a path or host works on one machine only. */
function foreignTraces(): string[] {
  const traces: [RegExp, string][] = [
    [
      /(?<![\w.}])\/(?:work\/(?:main|shared)\b|root\/\.)|(?<![\w.}])\/(?:home|Users)\/(?!(?:app|node|me|you)\b)\w+\//,
      'a path of one machine',
    ],
    [
      /^\s*registry\s*=|"resolved":|\/\/[\w.-]*(?:artifactory|nexus|verdaccio|registry)[\w.-]*[:/]/m,
      'the address of a package registry',
    ],
  ];
  return files
    .filter((path) => !/\.(png|jpg|gz|zst|dump|tgz)$/.test(path) && path !== 'scripts/check-repository.ts')
    .flatMap((path) => {
      const text = read(path);
      return traces.flatMap(([pattern, what]) => {
        const found = pattern.exec(text);
        return found ? [`${path}: ${what}: ${found[0].trim()}`] : [];
      });
    });
}

function staleDocs(): string[] {
  return [...generatedDocs()]
    .filter(([path, text]) => !files.includes(path) || read(path) !== text)
    .map(([path]) => `${path} is not up to date: npm run docs`);
}

/**
 * Every code of an error stands in the manual, and every code in the manual exists. A code is any text in the program that is
 * written like one: most are thrown where they stand, others pass through tables and helpers.
 */
function errorCodesApart(): string[] {
  const page = 'docs/errors.md';
  const foreign = /^(HOLDFAST|FORCE|ERR)_|^(ABORT_ERR|NO_COLOR|BAD_ALIAS|DUPLICATE_KEY|WHEN_REQUIRED|EAI_AGAIN)$/;
  // Rights, flags and modes of MySQL's own.
  const mysql =
    /^(CONNECTION_ADMIN|SET_USER_ID|SET_ANY_DEFINER|SYSTEM_USER|FLUSH_TABLES|NO_AUTO_VALUE_ON_ZERO|HANDSHAKE_NO_SSL_SUPPORT|CURRENT_USER|SHOW_ROUTINE|VERIFY_CA|VERIFY_IDENTITY)$/;
  const written = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, code]) => code as string);
  const thrown = new Set(
    files
      .filter((path) => /^src\/.+\.ts$/.test(path) && !path.endsWith('.test.ts'))
      .flatMap((path) => [
        // Presets speak of the variables of other systems; their page tells which.
        ...(path.startsWith('src/config/presets/') ? [] : written(read(path), /'([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)'/g)),
        ...written(read(path), /new HoldfastError\(\s*'([A-Z]+)'/g),
      ])
      .filter((code) => !foreign.test(code) && !mysql.test(code)),
  );
  // Findings have a page of their own, and a test that compares it.
  const found = new Set(written(read('docs/monitoring.md'), /^\| `([A-Z][A-Z0-9_]+)` \| (?:critical|warning)/gm));
  const variables = new Set(
    ['docs/environment.md', 'docs/presets.md', 'docs/nocobase.md'].flatMap((path) =>
      written(read(path), /`([A-Z][A-Z0-9_]+)`/g),
    ),
  );
  const told = new Set(written(read(page), /^\| (.+?) \|/gm).flatMap((cell) => written(cell, /`([A-Z][A-Z0-9_]+)`/g)));
  return [
    ...[...thrown]
      .filter((code) => !told.has(code) && !found.has(code) && !variables.has(code))
      .map((code) => `${page}: the error ${code} is missing`),
    ...[...told].filter((code) => !thrown.has(code)).map((code) => `${page}: there is no error ${code}`),
  ];
}

/** A file may be long when its head says why. */
function longFiles(): string[] {
  return files
    .filter((path) => /^(src|scripts|bench)\/.+\.ts$/.test(path) && !path.endsWith('.test.ts'))
    .filter((path) => read(path).split('\n').length > 300 && !/one file because/i.test(read(path)))
    .map((path) => `${path} has more than 300 lines and no comment with "one file because"`);
}

function versionsApart(): string[] {
  const { version } = JSON.parse(read('package.json')) as { version: string };
  const lock = JSON.parse(read('package-lock.json')) as { version: string };
  const problem = `package.json has version ${version}`;
  return [
    ...(lock.version === version ? [] : [`${problem}, package-lock.json ${lock.version}`]),
    ...(/^## Unreleased/m.test(read('CHANGELOG.md')) || read('CHANGELOG.md').includes(`## ${version}`)
      ? []
      : [`${problem}, CHANGELOG.md has no section for it and none named Unreleased`]),
  ];
}

function withoutCode(text: string): string {
  return text.replaceAll(/```.*?```|`[^`\n]*`/gs, '');
}
