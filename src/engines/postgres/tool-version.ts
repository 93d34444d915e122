import { stat } from 'node:fs/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { runProcess, toolFailure, type Command } from '../../base/run-process.ts';
import { containerCommand, type FoundContainer } from './container.ts';

export interface ToolVersion {
  /** `15.18` */
  readonly version: string;
  readonly major: number;
  readonly minor: number;
}

/** Asked once for each file: a daemon notices an upgrade by the file's time and size. Null when it does not answer like a tool. */
export async function versionOf(
  path: string,
  container: FoundContainer | null,
  signal: AbortSignal,
): Promise<ToolVersion | null> {
  const key = await identity(path, container);
  const answer = await remembered(versions, key, signal, async () => {
    const output = await runProcess(commandOf(path, ['--version'], container), { signal }).catch(() => null);
    throwIfAborted(signal);
    return parseToolVersion(output?.stdout ?? '');
  });
  return answer;
}

/** `pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`, also `17beta1` and EDB's and Postgres Pro's spellings. */
export function parseToolVersion(text: string): ToolVersion | null {
  const match = /\)\s+(\d+)(?:\.(\d+))?/.exec(text);
  if (!match) return null;
  const [major, minor] = [Number(match[1]), Number(match[2] ?? 0)];
  return { version: `${major}.${minor}`, major, minor };
}

/** Whether a codec is compiled in shows only when it is asked for; the tool looks before it connects. */
export async function codecsOf(
  pgDump: string | null,
  major: number,
  container: FoundContainer | null,
  signal: AbortSignal,
): Promise<ReadonlySet<'gzip' | 'lz4' | 'zstd'>> {
  if (pgDump === null) return new Set();
  return await remembered(codecs, await identity(pgDump, container), signal, async () => {
    const known = new Set<'gzip' | 'lz4' | 'zstd'>(['gzip']);
    if (major < 16) return known;
    for (const codec of ['lz4', 'zstd'] as const) {
      const args = ['--format=custom', `--compress=${codec}`, '--no-password', '--dbname', "host='/nonexistent'"];
      const words = await runProcess({ ...commandOf(pgDump, args, container), env: { LC_ALL: 'C' } }, { signal }).then(
        () => '',
        (error: unknown) => toolFailure(error)?.stderr ?? '',
      );
      throwIfAborted(signal);
      if (words.includes('/nonexistent')) known.add(codec);
    }
    return known;
  });
}

const versions = new Map<string, Promise<ToolVersion | null>>();
const codecs = new Map<string, Promise<ReadonlySet<'gzip' | 'lz4' | 'zstd'>>>();

async function remembered<T>(
  memory: Map<string, Promise<T>>,
  key: string,
  signal: AbortSignal,
  ask: () => Promise<T>,
): Promise<T> {
  throwIfAborted(signal);
  const known = memory.get(key);
  if (known) return await known;
  const answer = ask();
  memory.set(key, answer);
  // Interrupted is no answer; neither is "does not start", which installing it changes.
  answer.then(
    (value) => value ?? memory.delete(key),
    () => memory.delete(key),
  );
  return await answer;
}

async function identity(path: string, container: FoundContainer | null): Promise<string> {
  if (container) return `${container.id}:${path}`;
  const file = await stat(path).catch(() => null);
  return `${path}:${file?.mtimeMs ?? 0}:${file?.size ?? 0}`;
}

function commandOf(path: string, args: readonly string[], container: FoundContainer | null): Command {
  return container ? containerCommand(container, path, args, {}) : { program: path, args };
}
