import { Readable } from 'node:stream';
import { withTimeout } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { outputOf, runProcess, startProcess, type Command } from '../../base/run-process.ts';
import { formatDuration } from '../../base/units.ts';
import type { Compression, DumpFormat, DumpPart } from '../engine.ts';
import type { Access } from './access.ts';
import type { ChosenFormat } from './choose-format.ts';
import type { Connection } from './connection.ts';
import { dumpArgs, globalsArgs } from './dump-args.ts';
import { toolError } from './errors.ts';
import { expectNoSessions } from './sessions.ts';
import type { ExportedSnapshot } from './snapshot.ts';
import type { Selection } from './tables.ts';
import { toolCommand } from './tool-command.ts';
import type { ClientTools } from './tools.ts';

export interface DumpPlan {
  access: Access;
  tools: ClientTools;
  format: ChosenFormat;
  selection: Selection;
  snapshot: ExportedSnapshot;
  /** Grows while the tools talk. */
  warnings: string[];
  holder: Connection;
  /** What the sessions of this dump are called on the server. */
  application: string;
}

export interface DumpParts {
  open(signal: AbortSignal): AsyncIterable<DumpPart>;
  /** A tool was started and has not ended well. */
  unfinished(): boolean;
}

const partNames: Readonly<Record<DumpFormat, string>> = {
  custom: 'database.dump',
  directory: 'database.dir',
  tar: 'database.tar',
  plain: 'database.sql',
};

/** The roles first: they are small, and a wrong right shows before hours have been spent. */
export function dumpParts(plan: DumpPlan): DumpParts {
  const running = new Set<symbol>();
  return {
    open: async function* (signal) {
      const passwords = await globalsWish(plan);
      const globals = passwords === null ? null : await readGlobals(plan, passwords, signal);
      if (globals !== null) yield globalsPart(plan, globals);
      yield databasePart(plan, running);
    },
    unfinished: () => running.size > 0,
  };
}

function databasePart(plan: DumpPlan, running: Set<symbol>): DumpPart {
  const { format, inTool, outside } = plan.format;
  const common = { role: 'database', name: partNames[format], compressedByTool: inTool } as const;
  if (format !== 'directory') {
    const open = (signal: AbortSignal) => streamOf(plan, databaseCommand(plan, null), running, signal);
    return { ...common, kind: 'stream', format, compression: outside, open };
  }
  return { ...common, kind: 'folder', format, write: (folder, signal) => writeFolder(plan, folder, running, signal) };
}

function databaseCommand(plan: DumpPlan, folder: string | null): Command {
  const { access, tools, format, selection, snapshot } = plan;
  const args = dumpArgs({
    format: format.format,
    jobs: format.jobs,
    compression: format.inTool,
    toolMajor: tools.major,
    snapshot: snapshot.id,
    lockTimeoutMs: access.settings.dump.lockTimeoutMs,
    withoutTables: selection.excluded,
    withoutRows: selection.relations.filter((each) => selection.withoutRows.has(each.oid)),
    standby: snapshot.standby,
    folder,
  });
  return toolCommand(tools, 'pg_dump', args, { address: access.address, application: `${plan.application} dump` });
}

function streamOf(plan: DumpPlan, command: Command, running: Set<symbol>, signal: AbortSignal) {
  const limit = limited(plan, signal);
  const mark = Symbol('tool');
  const output = outputOf(command, { signal: limit.signal, ...listening(plan) });
  running.add(mark);
  output.once('end', () => running.delete(mark));
  output.once('close', () => limit[Symbol.dispose]());
  return output;
}

async function writeFolder(plan: DumpPlan, folder: string, running: Set<symbol>, signal: AbortSignal): Promise<void> {
  using limit = limited(plan, signal);
  const mark = Symbol('tool');
  const process = startProcess(databaseCommand(plan, folder), {
    signal: limit.signal,
    stdout: 'ignore',
    ...listening(plan),
  });
  running.add(mark);
  await process.done;
  // The leader's status does not speak for workers that outlived it.
  await expectNoSessions(plan.access, `${plan.application} dump`, signal);
  running.delete(mark);
}

function limited({ access }: DumpPlan, signal: AbortSignal): { signal: AbortSignal } & Disposable {
  const { timeoutMs } = access.settings.dump;
  return withTimeout(signal, timeoutMs, () => {
    return new HoldfastError(
      'DUMP_TIMEOUT',
      `the dump took longer than ${formatDuration(timeoutMs ?? 0)} and was ended`,
      {
        hint: 'Raise dump.timeout, or see what slows the server down.',
        retryable: true,
      },
    );
  });
}

function listening(plan: DumpPlan): { onStderr: (line: string) => void; explain: (error: HoldfastError) => Error } {
  return {
    onStderr: (line) => {
      const warning = /^(?:.*\/)?(pg_dump(?:all)?: )warning: (.+)$/.exec(line);
      if (warning) plan.warnings.push(`${warning[1]}${warning[2]}`);
      plan.access.context.logger.log('debug', line);
    },
    explain: (error) => toolError(error, plan.access.address),
  };
}

/** Whether to store roles and tablespaces, with or without passwords; null: not at all. */
async function globalsWish({ access, tools, holder, warnings }: DumpPlan): Promise<boolean | null> {
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
async function readGlobals(plan: DumpPlan, passwords: boolean, signal: AbortSignal): Promise<string | null> {
  const { access, tools } = plan;
  const { globals, lockTimeoutMs } = access.settings.dump;
  const command = toolCommand(tools, 'pg_dumpall', globalsArgs(passwords, lockTimeoutMs), {
    address: access.address,
    application: `${plan.application} globals`,
  });
  using limit = limited(plan, signal);
  try {
    const { stdout } = await runProcess(command, { signal: limit.signal, ...listening(plan) });
    return stdout;
  } catch (error) {
    if (globals === true || limit.signal.aborted) throw error;
    plan.warnings.push(`roles and tablespaces are not stored: ${(error as Error).message}`);
    return null;
  }
}

function globalsPart(plan: DumpPlan, content: string): DumpPart {
  return {
    kind: 'stream',
    role: 'globals',
    name: 'globals.sql',
    format: 'plain',
    compression: globalsCompression(plan),
    compressedByTool: null,
    open: () => Readable.from([Buffer.from(content)], { objectMode: false }),
  };
}

/** As the rest, by the archive; what only the tool can do becomes the codec everybody can open. */
function globalsCompression({ access, format }: DumpPlan): Compression {
  const { compression } = access.settings.dump;
  const wanted = format.inTool ?? format.outside;
  if (compression === 'auto') return { codec: 'zstd', level: 1 };
  return wanted.codec === 'lz4' ? { codec: 'gzip', level: 6 } : wanted;
}
