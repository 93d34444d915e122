import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import type { TestPostgres } from '../test/support/postgres.ts';
import { measure, measureShell } from './measure.ts';
import type { Taken } from './rounds.ts';

/** One server with data, the tools of its version, and a folder for everything that is written. */
export interface Place {
  folder: string;
  /** What starts the program, installed as a package. */
  program: string;
  server: TestPostgres;
  tools: string;
  env: Record<string, string>;
  /** Whether pg_dumpall of these tools runs. */
  globals: boolean;
  signal: AbortSignal;
}

export const database = 'bench';

export function environment(server: TestPostgres, tools: string): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return {
    PATH: `${tools}:${PATH}`,
    HOME,
    ...(TMPDIR === undefined ? {} : { TMPDIR }),
    PGHOST: server.host,
    PGPORT: String(server.port),
    PGUSER: server.user,
    PGPASSWORD: server.password,
  };
}

/** Stock programs, as a line for the shell. */
export function shell({ env, signal }: Place, line: string): Promise<Taken> {
  return measureShell(line, env, signal);
}

/** The program itself. */
export function run({ folder, program, env, signal }: Place, args: string[]): Promise<Taken> {
  return measure(program, [...args, '--config', join(folder, 'holdfast.yaml')], env, signal);
}

/** Each source is the same database, by these tools. */
export async function writeConfig(
  { folder, server, tools, globals }: Place,
  config: { sources: Record<string, { dump: object }>; [key: string]: unknown },
): Promise<void> {
  const sources = Object.entries(config.sources).map(([name, { dump, ...rest }]) => [
    name,
    {
      database: { url: server.url(database), tools },
      dump: { ...dump, ...(globals ? {} : { globals: false }) },
      ...rest,
    },
  ]);
  const written = { state: './state', ...config, sources: Object.fromEntries(sources) };
  await writeFile(join(folder, 'holdfast.yaml'), stringify(written), { mode: 0o600 });
}
