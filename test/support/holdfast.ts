import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { builtProgram } from './built-program.ts';

export interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The real program with a configuration, state and storage of its own, as an operator has it. */
export interface Installation extends AsyncDisposable {
  folder: string;
  configFile: string;
  storage: string;
  state: string;
  run(...args: string[]): Promise<Ended>;
  runWith(options: { env?: Record<string, string>; input?: string; cwd?: string }, ...args: string[]): Promise<Ended>;
  /** Runs a command that must succeed and parses its `--json`. */
  json<T>(...args: string[]): Promise<T>;
  start(env: Record<string, string>, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> };
  /** Ids that lie in the storage as folders with a manifest, whatever the program says. */
  stored(source?: string): Promise<string[]>;
  configure(config: object): Promise<void>;
}

export interface Wanted {
  url: string;
  source?: string;
  /** Merged into the source. */
  settings?: Record<string, unknown>;
  /** Merged into the file. */
  top?: Record<string, unknown>;
}

export async function installHoldfast({
  url,
  source = 'shop',
  settings = {},
  top = {},
}: Wanted): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
  const configFile = join(folder, 'holdfast.yaml');
  const storage = join(folder, 'backups');
  const configure = (config: object) => writeFile(configFile, stringify(config), { mode: 0o600 });
  await configure({
    state: './state',
    sources: { [source]: { database: { url }, ...settings } },
    storages: { local: { type: 'local', path: './backups' } },
    ...top,
  });

  const start: Installation['start'] = (env, ...args) => launch(args, { env, cwd: folder });
  const runWith: Installation['runWith'] = async ({ env = {}, input, cwd = folder }, ...args) => {
    const { child, ended } = launch(args, { env, cwd });
    child.stdin?.end(input ?? '');
    return ended;
  };
  return {
    folder,
    configFile,
    storage,
    state: join(folder, 'state'),
    start,
    runWith,
    run: (...args) => runWith({}, ...args),
    json: async <T>(...args: string[]): Promise<T> => {
      const { status, stdout, stderr } = await runWith({}, ...args, '--json');
      if (status !== 0) throw new Error(`holdfast ${args.join(' ')} ended with ${status}:\n${stderr}`);
      return JSON.parse(stdout) as T;
    },
    stored: async (name = source) => {
      const entries = await readdir(join(storage, name)).catch(() => []);
      const ids = await Promise.all(
        entries
          .filter((entry) => !entry.startsWith('.'))
          .map(async (entry) => ({
            entry,
            manifest: await readFile(join(storage, name, entry, 'manifest.json')).catch(() => null),
          })),
      );
      return ids.filter(({ manifest }) => manifest !== null).map(({ entry }) => entry);
    },
    configure,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

function launch(
  args: string[],
  { env, cwd }: { env: Record<string, string>; cwd: string },
): { child: ChildProcess; ended: Promise<Ended> } {
  const { PATH = '', HOME = '', TMPDIR = '' } = process.env;
  const { program, env: itsOwn } = builtProgram();
  const child = spawn(program, args, {
    cwd,
    env: { PATH, HOME, ...(TMPDIR ? { TMPDIR } : {}), LC_ALL: 'C.UTF-8', ...itsOwn, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
  return { child, ended };
}
