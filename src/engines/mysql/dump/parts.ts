import { withTimeout } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { sharedRate, slowed } from '../../../base/rate.ts';
import { destroyOnAbort } from '../../../base/streams.ts';
import { formatDuration } from '../../../base/units.ts';
import type { DumpPart } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import type { ChosenFormat } from './choose-format.ts';
import type { DumpPlan } from './plan.ts';
import { toolError } from '../connect/errors.ts';
import { listed } from '../connect/names.ts';
import { startDump, type StartedDump } from './started-tool.ts';
import { toolStart } from '../connect/tool-command.ts';
import type { ClientTool } from '../connect/tools.ts';
import { writeFolder } from './write-folder.ts';

export interface PartsFacts {
  access: Access;
  tool: ClientTool;
  format: ChosenFormat;
  plan: DumpPlan;
  /** Running since the snapshot was taken; they wait for a reader. */
  started: readonly StartedDump[];
  /** Where option files may lie. */
  folder: string;
  encrypted: boolean;
  warnings: string[];
  /** Asked when all was dumped: what is dumped as it is stored, and could not be any more. */
  altered: (signal: AbortSignal) => Promise<readonly string[]>;
  /** Asked then, too: in whose place another one stands that was there before. */
  exchanged: (signal: AbortSignal) => Promise<readonly string[]>;
}

export function dumpPart(facts: PartsFacts): (signal: AbortSignal) => AsyncIterable<DumpPart> {
  return async function* (signal) {
    yield facts.plan.format === 'plain' ? streamPart(facts) : folderPart(facts);
    refuseChanged('columns were changed while their tables were dumped', await facts.altered(signal));
    refuseChanged('other tables took their names while they were dumped', await facts.exchanged(signal));
  };
}

function refuseChanged(what: string, tables: readonly string[]): void {
  if (tables.length === 0) return;
  throw new HoldfastError('DATABASE_CHANGED', `${what}: ${listed(tables)}`, {
    retryable: true,
    hint: 'Back up again when no migration runs.',
  });
}

function streamPart({ access, format, started }: PartsFacts): DumpPart {
  const { limit } = access.settings.dump;
  return {
    kind: 'stream',
    role: 'database',
    name: 'database.sql',
    format: 'plain',
    compression: format.outside,
    compressedByTool: null,
    open: (signal) => {
      const [first] = started;
      if (!first) throw new Error('the dump was not started');
      const timeout = limited(access, signal);
      const output = destroyOnAbort(first.output, timeout.signal);
      output.once('close', () => timeout[Symbol.dispose]());
      return slowed(output, limit === null ? null : sharedRate(limit), signal);
    },
  };
}

function folderPart({
  access,
  tool,
  format,
  plan,
  started,
  folder: options,
  encrypted,
  warnings,
}: PartsFacts): DumpPart {
  return {
    kind: 'folder',
    role: 'database',
    name: 'database.dir',
    format: 'directory',
    compressedByTool: format.inside,
    write: async (folder, signal) => {
      using timeout = limited(access, signal);
      for (const { output } of started) destroyOnAbort(output, timeout.signal);
      const run = async (args: readonly string[]) => {
        const call = { address: access.address, encrypted, folder: options, fed: false };
        return startDump(await toolStart(tool, args, call), {
          signal: timeout.signal,
          asStored: false,
          onStderr: (line) => warnings.push(line),
          explain: (error) => toolError(error, access.address) as Error,
        }).output;
      };
      await writeFolder({ folder, database: access.address.database, plan, inside: format.inside, started, run });
    },
  };
}

/** The signal of a tool that ends it when the whole dump takes too long. */
function limited({ settings: { dump } }: Access, signal: AbortSignal): { signal: AbortSignal } & Disposable {
  return withTimeout(signal, dump.timeoutMs, () => {
    return new HoldfastError(
      'DUMP_TIMEOUT',
      `the dump took longer than ${formatDuration(dump.timeoutMs ?? 0)} and was ended`,
      { hint: 'Raise dump.timeout, or see what slows the server down.', retryable: true },
    );
  });
}
