import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ended } from './holdfast.ts';
import { deployFolder } from './stacks.ts';

/** The whole environment is handed on: it says where the engine is (DOCKER_HOST) and which images stand in for others. */
export async function docker(args: readonly string[], { cwd = deployFolder, input = '' } = {}): Promise<Ended> {
  const child = spawn('docker', args, { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return await new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status, signal) => resolve({ status, signal, stdout, stderr }));
  });
}

/** Why nothing here can run, or null. */
export async function engineMissing(): Promise<string | null> {
  try {
    const { status, stderr } = await docker(['compose', 'version']);
    if (status !== 0) return `docker compose does not work: ${stderr.trim()}`;
    const asked = await docker(['version', '--format', '{{.Server.Version}}']);
    return asked.status === 0 ? null : `no Docker engine answers: ${asked.stderr.trim()}`;
  } catch (error) {
    return `docker cannot be started: ${String(error)}`;
  }
}

export interface RunningStack extends AsyncDisposable {
  folder: string;
  /** What its volumes are called by: `<project>_backups`. */
  project: string;
  /** Lines for its `.env`, from the next command on. */
  set(env: Record<string, string>): void;
  compose(...args: string[]): Promise<Ended>;
  /** Holdfast in the running container. */
  holdfast(...args: string[]): Promise<Ended>;
  /** Holdfast in a container of its own. */
  once(...args: string[]): Promise<Ended>;
  sql(text: string): Promise<string>;
  inspect(service: string, template: string): Promise<string>;
}

/** A stack of deploy/compose in a folder and with names of its own; its `.env` is the example with changes. */
export async function openStack(
  name: string,
  {
    image,
    env,
    database,
  }: { image: string; env: Record<string, string>; database: { service: string; user: string; name: string } },
): Promise<RunningStack> {
  const folder = mkdtempSync(join(tmpdir(), `holdfast-${name}-`));
  cpSync(join(deployFolder, 'compose', name), folder, { recursive: true });
  const project = folder
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
    .slice(-20);
  const lines: Record<string, string> = { COMPOSE_PROJECT_NAME: project, STACK_NAME: project, HOLDFAST_IMAGE: image };
  const set = (more: Record<string, string>) => {
    Object.assign(lines, more);
    const text = Object.entries(lines).map(([key, value]) => `${key}=${value}\n`);
    writeFileSync(join(folder, '.env'), text.join(''));
  };
  set(env);
  mkdirSync(join(folder, 'secrets'), { recursive: true });
  for (const secret of ['database-password', 'passphrase']) {
    // Inside of their containers they are read by users of other numbers; the folder is ours alone.
    writeFileSync(join(folder, 'secrets', secret), `${secret} with $pecial 'characters'\n`, { mode: 0o644 });
  }
  const compose = (...args: string[]) => docker(['compose', '--profile', 'backup', ...args], { cwd: folder });
  const good = async (...args: string[]) => {
    const ended = await compose(...args);
    if (ended.status !== 0)
      throw new Error(`docker compose ${args.join(' ')} ended with ${ended.status}:\n${ended.stderr}`);
    return ended.stdout.trim();
  };
  return {
    folder,
    project,
    set,
    compose,
    holdfast: (...args) => compose('exec', '-T', 'backup', 'holdfast', ...args),
    once: (...args) => compose('run', '--rm', '-T', 'backup', ...args),
    sql: (text) =>
      good(
        'exec',
        '-T',
        database.service,
        'psql',
        '-U',
        database.user,
        '-d',
        database.name,
        '-XAtq',
        '-v',
        'ON_ERROR_STOP=1',
        '-c',
        text,
      ),
    inspect: async (service, template) => {
      const id = await good('ps', '--all', '--quiet', service);
      return (await docker(['inspect', '--format', template, id])).stdout.trim();
    },
    [Symbol.asyncDispose]: async () => {
      await compose('down', '--volumes', '--timeout', '5');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
