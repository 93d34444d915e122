import { Readable } from 'node:stream';
import { runProcess } from '../../../base/run-process.ts';
import type { Compression, DumpPart } from '../../engine.ts';
import type { ChosenFormat } from './choose-format.ts';
import type { Connection } from '../connect/connection.ts';
import { globalsArgs } from './arguments.ts';
import type { DumpSettings } from '../../engine.ts';
import { limited, listening, type DumpTalk } from './talk.ts';
import { toolCommand } from '../connect/tool-command.ts';
import type { ClientTools } from '../connect/tools.ts';

export interface GlobalsTask extends DumpTalk {
  tools: ClientTools;
  holder: Connection;
  application: string;
}

/** Roles and tablespaces, being read while the dump is still prepared. Disposing it ends the tool. */
export interface GlobalsReading extends AsyncDisposable {
  /** Null when they are not wanted, or cannot be had and were only wanted when possible. */
  readonly content: Promise<string | null>;
}

export function startGlobals(task: GlobalsTask, signal: AbortSignal): GlobalsReading {
  const end = new AbortController();
  const content = wishFor(task).then((passwords) =>
    passwords === null ? null : readGlobals(task, passwords, AbortSignal.any([signal, end.signal])),
  );
  // It may fail before anybody asks for it; whoever asks is told.
  content.catch(() => undefined);
  return {
    content,
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await content.catch(() => undefined);
    },
  };
}

/** With or without passwords; null: not at all. */
async function wishFor({ access, tools, holder, warnings }: GlobalsTask): Promise<boolean | null> {
  const wish = access.settings.dump.globals;
  if (wish === false) return null;
  if (tools.paths.pg_dumpall === null && wish === 'auto') {
    warnings.push('roles and tablespaces are not stored: pg_dumpall was not found beside pg_dump');
    return null;
  }
  const passwords = await holder.value<boolean>(
    `select pg_catalog.has_table_privilege('pg_catalog.pg_authid', 'select')`,
  );
  if (!passwords) warnings.push(`roles are stored without their passwords: ${access.address.user} may not read them`);
  return passwords;
}

/**
 * Roles and tablespaces are small even where there are thousands, so they are read whole: where they are only wanted when possible, a
 * pg_dumpall that fails costs a warning and not the backup.
 */
async function readGlobals(task: GlobalsTask, passwords: boolean, signal: AbortSignal): Promise<string | null> {
  const { access, tools } = task;
  const { globals, lockTimeoutMs } = access.settings.dump;
  const command = toolCommand(tools, 'pg_dumpall', globalsArgs(passwords, lockTimeoutMs), {
    address: access.address,
    application: `${task.application} globals`,
  });
  using limit = limited(task, signal);
  try {
    const { stdout } = await runProcess(command, { signal: limit.signal, ...listening(task) });
    return stdout;
  } catch (error) {
    if (globals === true || limit.signal.aborted) throw error;
    task.warnings.push(`roles and tablespaces are not stored: ${(error as Error).message}`);
    return null;
  }
}

export interface Circumstances {
  wanted: DumpSettings['compression'];
  format: ChosenFormat;
}

export function globalsPart(content: string, wish: Circumstances): DumpPart {
  return {
    kind: 'stream',
    role: 'globals',
    name: 'globals.sql',
    format: 'plain',
    compression: globalsCompression(wish),
    compressedByTool: null,
    open: () => Readable.from([Buffer.from(content)], { objectMode: false }),
  };
}

/** As the rest, by the archive; what only the tool can do becomes the codec everybody can open. */
function globalsCompression({ wanted: compression, format }: Circumstances): Compression {
  const wanted = format.inTool ?? format.outside;
  if (compression === 'auto') return { codec: 'zstd', level: 1 };
  return wanted.codec === 'lz4' ? { codec: 'gzip', level: 6 } : wanted;
}
