import { throwIfAborted } from '../../../base/abort.ts';
import { unlessLimited } from '../../../base/errors.ts';
import { runProcess, toolFailure } from '../../../base/run-process.ts';
import { remembered } from '../../shared/remembered.ts';
import type { FoundContainer } from '../../shared/container.ts';
import { plainCommand, toolIdentity } from '../../shared/tool-place.ts';

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
  const key = await toolIdentity(path, container);
  const answer = await remembered(versions, key, signal, async () => {
    const output = await runProcess(plainCommand(path, ['--version'], container), { signal }).catch(
      unlessLimited(null),
    );
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

export type ToolCodec = 'gzip' | 'lz4' | 'zstd';

interface DumpTool {
  path: string;
  major: number;
  container: FoundContainer | null;
}

/** Which of these the tool can do. */
export async function codecsOf(
  tool: DumpTool,
  wanted: readonly ToolCodec[],
  signal: AbortSignal,
): Promise<ReadonlySet<ToolCodec>> {
  const known = await Promise.all(wanted.map((codec) => canCompress(tool, codec, signal)));
  return new Set(wanted.filter((_, at) => known[at]));
}

/** Whether a codec is compiled in shows only when it is asked for; the tool looks before it connects. */
async function canCompress({ path, major, container }: DumpTool, codec: ToolCodec, signal: AbortSignal) {
  if (codec === 'gzip' || major < 16) return codec === 'gzip';
  return await remembered(codecs, `${codec}:${await toolIdentity(path, container)}`, signal, async () => {
    const args = ['--format=custom', `--compress=${codec}`, '--no-password', '--dbname', "host='/nonexistent'"];
    const words = await runProcess({ ...plainCommand(path, args, container), env: { LC_ALL: 'C' } }, { signal }).then(
      () => '',
      (error: unknown) => toolFailure(error)?.stderr ?? unlessLimited('')(error),
    );
    throwIfAborted(signal);
    return words.includes('/nonexistent');
  });
}

const versions = new Map<string, Promise<ToolVersion | null>>();
const codecs = new Map<string, Promise<boolean>>();
