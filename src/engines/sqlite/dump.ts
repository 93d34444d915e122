import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { withTimeout } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { filePieces, growingFilePieces } from '../../base/file-pieces.ts';
import { sharedRate, slowed } from '../../base/rate.ts';
import { outputOf } from '../../base/piped-program.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { formatCount, formatDuration } from '../../base/units.ts';
import type { Codec, Compression, Counts, DumpPart, DumpSettings, Snapshot } from '../engine.ts';
import type { Access } from './access.ts';
import { countIn } from './counts.ts';
import { readFacts } from './facts.ts';
import { expectWhole } from './integrity.ts';
import type { Frozen } from './process/freeze.ts';
import { expectRoom } from './room.ts';
import type { Session } from './session.ts';
import { isOpenHere } from './users.ts';

/** Checks of the whole content happen before anything is stored only where they are quick; reading back does it for every size. */
const quicklyChecked = 64 * 1024 * 1024;

/**
 * The file as it is at one moment: read where it lies when it stands still although others write, copied first when it does not, or when
 * it would keep writers out for as long as the slowest storage takes.
 */
export async function openSnapshot(access: Access, signal: AbortSignal): Promise<Snapshot> {
  const { dump } = access.settings;
  refuseImpossible(dump);
  await using opened = new AsyncDisposableStack();
  // What the session works in goes after the session.
  const below = opened.use(new AsyncDisposableStack());
  const session = opened.use(await access.open('read', signal));
  const frozen = await session.ask('freeze', {}, signal);
  const facts = await readFacts(access, session, signal);
  const path = await access.locate();
  const copy = frozen === 'still' ? null : await copyOf(access, session, frozen, below, facts.sizeBytes, signal);
  access.context.logger.log('info', `dump of ${facts.name}: file, ${reasons[frozen]}`, { frozen });
  const warnings: string[] = [];
  const place: Place = { access, session, path: copy?.path ?? path, moving: copy === null, copied: copy?.done ?? null };
  const resources = opened.move();
  return {
    facts,
    snapshot: { isolation: frozen === 'still' ? 'read-transaction' : 'copy', lsn: null },
    warnings,
    parts: () => partsOf(place),
    count: async (later) => {
      await place.copied;
      if (facts.sizeBytes <= quicklyChecked) await checkContent(place, warnings, later);
      const wish = { tables: null, rows: dump.rowCounts === 'exact', sequences: true, fingerprints: dump.fingerprints };
      return countIn(session, wish, later);
    },
    // They are rows of the same state as everything else.
    settleSequences: async (counts: Counts) => counts,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface Place {
  access: Access;
  session: Session;
  path: string;
  /** It is the live file, which stands still only as long as the session keeps its transaction. */
  moving: boolean;
  /** Settles when the copy that lies there is whole. */
  copied: Promise<unknown> | null;
}

const reasons: Readonly<Record<Frozen, string>> = {
  still: 'read while others write',
  locked: 'copied first, so that writers wait no longer than that takes',
  moving: 'copied first, because somebody reads an older state, or its log cannot be written',
};

async function copyOf(
  access: Access,
  session: Session,
  how: Frozen,
  below: AsyncDisposableStack,
  bytes: number,
  signal: AbortSignal,
): Promise<{ path: string; done: Promise<unknown> }> {
  const folder = below.use(await access.folder());
  await expectRoom(folder.path, bytes, access.path);
  const path = join(folder.path, 'copy.sqlite');
  const done = session.ask('copy', { to: path, how }, signal).then((same) => {
    if (!same) throw changed(access.path);
  });
  // Whoever reads or counts learns of a failure.
  done.catch(() => undefined);
  // SQLite's own copy is not written from its beginning to its end; the other is read while it grows.
  if (how === 'moving') await done;
  return { path, done };
}

async function* partsOf(place: Place): AsyncIterable<DumpPart> {
  yield {
    kind: 'stream',
    role: 'database',
    name: 'database.sqlite',
    format: 'file',
    compression: chosen(place.access.settings.dump.compression),
    compressedByTool: null,
    open: (signal) => openContent(place, signal),
  };
}

/** Ends with an error when it has not been read within `dump.timeout`, however slow its reader is. */
function openContent(place: Place, outer: AbortSignal): Readable {
  const { limit, timeoutMs } = place.access.settings.dump;
  const time = withTimeout(outer, timeoutMs, () => tookTooLong(timeoutMs ?? 0));
  const content = Readable.from(contentOf(place, time.signal), { objectMode: false, highWaterMark: bufferedBytes });
  const stream = slowed(content, limit === null ? null : sharedRate(limit), time.signal);
  stream.once('close', () => time[Symbol.dispose]());
  return destroyOnAbort(stream, time.signal);
}

const bufferedBytes = 1024 * 1024;

async function* contentOf(place: Place, signal: AbortSignal): AsyncIterable<Buffer> {
  const before = place.copied === null ? await stat(place.path) : null;
  let bytes = 0;
  for await (const chunk of await openFile(place, signal)) {
    bytes += chunk.length;
    yield chunk;
  }
  const { size } = before ?? (await stat(place.path));
  await expectUnmoved(place, bytes === size, signal);
}

async function openFile({ path, moving, copied }: Place, signal: AbortSignal): Promise<AsyncIterable<Buffer>> {
  if (copied !== null) return growingFilePieces(path, copied);
  // Closing any handle of a file ends all locks a process has on it. Where we have it open ourselves, which is when our own
  // catalog is what is saved, another process reads it.
  if (moving && (await isOpenHere(path))) return outputOf({ program: 'cat', args: ['--', path] }, { signal });
  return filePieces(path);
}

/** The end is only believed when the file was kept still until now. */
async function expectUnmoved({ session, path, moving }: Place, whole: boolean, signal: AbortSignal): Promise<void> {
  const kept = !moving || (await session.ask('isFrozen', {}, signal));
  if (!kept || !whole) throw changed(path);
}

function changed(path: string): HoldfastError {
  return new HoldfastError('DATABASE_CHANGED', `${path} changed while it was read`, {
    retryable: true,
    hint: 'Another file has taken its place, something other than SQLite writes to it, or the reading process was ended; try again.',
  });
}

function tookTooLong(ms: number): HoldfastError {
  return new HoldfastError('DUMP_TIMEOUT', `the dump took longer than ${formatDuration(ms)} and was ended`, {
    hint: 'Raise dump.timeout, or see what slows the storage down.',
    retryable: true,
  });
}

async function checkContent({ access, session }: Place, warnings: string[], signal: AbortSignal): Promise<void> {
  warnings.push(...(await expectWhole(session, access.path, { quick: false }, signal)));
  const broken = await session.ask('brokenReferences', {}, signal);
  for (const { table, parent, rows } of broken) {
    warnings.push(`${formatCount(rows, 'row')} of ${table} refer to rows of ${parent} that do not exist`);
  }
}

/** Levels written out, so that a manifest tells them. */
const usualLevels: Readonly<Record<Codec, number | null>> = { none: null, gzip: 6, bzip2: 9, xz: 6, lz4: 1, zstd: 3 };

function chosen(wish: DumpSettings['compression']): Compression {
  if (wish === 'auto') return { codec: 'zstd', level: 1 };
  if (wish.codec === 'lz4') {
    throw new HoldfastError('COMPRESSION_UNSUPPORTED', 'lz4 is something only the tools of PostgreSQL do', {
      kind: 'usage',
      hint: 'Set dump.compression to auto or zstd.',
    });
  }
  return { codec: wish.codec, level: wish.level ?? usualLevels[wish.codec] };
}

/** Before anything is opened: what was asked for and a copy of a file cannot give. */
function refuseImpossible({ format, compression, exclude }: DumpSettings): void {
  chosen(compression);
  if (format !== 'auto' && format !== 'file') {
    throw new HoldfastError('FORMAT_IMPOSSIBLE', `an SQLite database is saved as the file it is, not as ${format}`, {
      kind: 'usage',
      hint: 'Set dump.format to auto or file.',
    });
  }
  if (exclude.tables.length + exclude.tableData.length > 0) {
    throw new HoldfastError('FORMAT_IMPOSSIBLE', 'tables cannot be left out of the copy of a file', {
      kind: 'usage',
      hint: 'Remove dump.exclude.',
    });
  }
}
