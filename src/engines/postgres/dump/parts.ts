import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import { largeWrites } from '../../../base/large-writes.ts';
import { sharedRate, slowed } from '../../../base/rate.ts';
import { outputOf } from '../../../base/piped-program.ts';
import { startProcess, type Command } from '../../../base/run-process.ts';
import type { DumpPart } from '../../engine.ts';
import type { ChosenFormat, PostgresFormat } from './choose-format.ts';
import type { Connection } from '../connect/connection.ts';
import { dumpArgs, type DumpCall } from './arguments.ts';
import { limited, listening, type DumpTalk } from './talk.ts';
import { globalsPart, type GlobalsReading } from './globals.ts';
import { expectNoSessions, onSession } from './sessions.ts';
import type { ExportedSnapshot } from './snapshot.ts';
import { toolCommand } from '../connect/tool-command.ts';
import type { ClientTools } from '../connect/tools.ts';

export interface DumpPlan extends DumpTalk {
  tools: ClientTools;
  format: ChosenFormat;
  /** Of the database. */
  encoding: string;
  leftOut: Pick<DumpCall, 'withoutTables' | 'withoutRows'>;
  snapshot: ExportedSnapshot;
  /** What the sessions of this dump are called on the server. */
  application: string;
  globals: GlobalsReading;
  /** The session that holds the snapshot. */
  holder: Connection;
}

type Widen = (command: Command) => Command;

export interface DumpParts {
  open(signal: AbortSignal): AsyncIterable<DumpPart>;
  /** A tool was started and has not ended well. */
  unfinished(): boolean;
}

const partNames: Readonly<Record<PostgresFormat, string>> = {
  custom: 'database.dump',
  directory: 'database.dir',
  tar: 'database.tar',
  plain: 'database.sql',
};

/** The tool begins at once; roles that cannot be had end it, so that a wrong right shows before hours have been spent. */
export function dumpParts(plan: DumpPlan): DumpParts {
  const running = new Set<symbol>();
  return {
    open: async function* (signal) {
      const lacking = new AbortController();
      plan.globals.content.catch((error: unknown) => lacking.abort(toHoldfastError(error)));
      // In a container, what writes to the pipe is another program than the tool; and where it writes files, there is none.
      const toPipe = plan.format.format !== 'directory' && !plan.tools.container;
      const widening = toPipe ? largeWrites(signal) : Promise.resolve(same);
      yield databasePart({ ...plan, lacking: lacking.signal }, running, await widening);
      const globals = await plan.globals.content;
      if (globals !== null)
        yield globalsPart(globals, { wanted: plan.access.settings.dump.compression, format: plan.format });
    },
    unfinished: () => running.size > 0,
  };
}

const same: Widen = (command) => command;

interface DatabasePlan extends DumpPlan {
  /** Aborted when there is something without which the dump is not wanted. */
  lacking: AbortSignal;
}

function databasePart(plan: DatabasePlan, running: Set<symbol>, widen: Widen): DumpPart {
  const { format, inTool, outside } = plan.format;
  const common = { role: 'database', name: partNames[format], compressedByTool: inTool } as const;
  if (format !== 'directory') {
    const open = (signal: AbortSignal) => streamOf(plan, widen(databaseCommand(plan, null)), running, signal);
    return { ...common, kind: 'stream', format, compression: outside, open };
  }
  return { ...common, kind: 'folder', format, write: (folder, signal) => writeFolder(plan, folder, running, signal) };
}

function databaseCommand(plan: DumpPlan, folder: string | null): Command {
  const { access, tools, format, encoding, leftOut, snapshot } = plan;
  const args = dumpArgs({
    format: format.format,
    jobs: format.jobs,
    compression: format.inTool,
    toolMajor: tools.major,
    snapshot: snapshot.id,
    lockTimeoutMs: access.settings.dump.lockTimeoutMs,
    encoding,
    ...leftOut,
    standby: snapshot.standby,
    folder,
  });
  return toolCommand(tools, 'pg_dump', args, { address: access.address, application: `${plan.application} dump` });
}

function streamOf(plan: DatabasePlan, command: Command, running: Set<symbol>, signal: AbortSignal) {
  const limit = limited(plan, AbortSignal.any([signal, plan.lacking]));
  const mark = Symbol('tool');
  const output = outputOf(command, { signal: limit.signal, ...listening(plan) });
  running.add(mark);
  output.once('end', () => running.delete(mark));
  output.once('close', () => limit[Symbol.dispose]());
  const { limit: speed } = plan.access.settings.dump;
  return slowed(output, speed === null ? null : sharedRate(speed), signal);
}

async function writeFolder(
  plan: DatabasePlan,
  folder: string,
  running: Set<symbol>,
  signal: AbortSignal,
): Promise<void> {
  using limit = limited(plan, AbortSignal.any([signal, plan.lacking]));
  const mark = Symbol('tool');
  const process = startProcess(databaseCommand(plan, folder), {
    signal: limit.signal,
    stdout: 'ignore',
    ...listening(plan),
  });
  running.add(mark);
  await process.done.catch(async (error: unknown) => {
    throw await lossBehind(error, plan.holder);
  });
  // The leader's status does not speak for workers that outlived it.
  await onSession(plan.holder, { access: plan.access, application: `${plan.application} check`, signal }, (session) =>
    expectNoSessions(session, `${plan.application} dump`, signal),
  );
  running.delete(mark);
}

/** A worker that cannot ask for its lock any more, because the server is gone, has the same words for it as one that is refused. */
async function lossBehind(error: unknown, holder: Connection): Promise<unknown> {
  if (!(error instanceof HoldfastError) || error.code !== 'DATABASE_LOCKED') return error;
  return await holder.rows('select').then(
    () => error,
    (loss: unknown) => loss,
  );
}
