import { Readable } from 'node:stream';
import { withTimeout } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { sharedRate, slowed } from '../../base/rate.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import { formatCount, formatDuration } from '../../base/units.ts';
import type { Codec, Compression, Counts, DumpPart, DumpSettings, Snapshot } from '../engine.ts';
import type { Access } from './access.ts';
import { copied, standing, type Content, type Source } from './content.ts';
import { countIn } from './counts.ts';
import { readFacts } from './facts.ts';
import { holdFile } from './held.ts';
import { expectWhole } from './integrity.ts';
import type { Frozen } from './process/freeze.ts';
import { expectRoom, mayClone } from './room.ts';
import type { Session } from './session.ts';
import { isOpenHere } from './users.ts';

/** Checks of the whole content happen before anything is stored only where they are quick; reading back does it for every size. */
const quicklyChecked = 64 * 1024 * 1024;

/**
 * The file as it is at one moment: read where it lies when it stands still although others write, or as long as nobody wants to write; copied
 * when it does not, or when it would keep writers out for as long as the slowest storage takes.
 */
export async function openSnapshot(access: Access, signal: AbortSignal): Promise<Snapshot> {
  const { dump } = access.settings;
  refuseImpossible(dump);
  await using opened = new AsyncDisposableStack();
  // What the session works in goes after the session.
  const below = opened.use(new AsyncDisposableStack());
  const session = opened.use(await access.open('read', signal));
  const frozen = await session.ask('freeze', {}, signal);
  const since = access.context.clock.monotonic();
  const facts = await readFacts(access, session, signal);
  const isSmall = facts.sizeBytes <= quicklyChecked;
  const source = { access, session, path: await access.locate() };
  const content = opened.use(
    await openContent(source, { frozen, since, bytes: facts.sizeBytes, isSmall }, below, signal),
  );
  access.context.logger.log('info', `dump of ${facts.name}: file, ${reasonOf(frozen, content)}`, { frozen });
  const warnings: string[] = [];
  const resources = opened.move();
  return {
    facts,
    get snapshot() {
      return { isolation: content.isCopy ? 'copy' : 'read-transaction', lsn: null };
    },
    warnings,
    parts: () => partsOf(dump, content),
    count: async (later) =>
      content.within(async (asked, until) => {
        if (isSmall) await checkContent(access, asked, warnings, until);
        const wish = {
          tables: null,
          rows: dump.rowCounts === 'exact',
          sequences: true,
          fingerprints: dump.fingerprints,
        };
        return countIn(asked, wish, until);
      }, later),
    // They are rows of the same state as everything else.
    settleSequences: async (counts: Counts) => counts,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

interface State {
  frozen: Frozen;
  since: number;
  bytes: number;
  isSmall: boolean;
}

async function openContent(
  source: Source,
  { frozen, since, bytes, isSmall }: State,
  below: AsyncDisposableStack,
  signal: AbortSignal,
): Promise<Content> {
  if (frozen === 'still') return standing(source);
  const { access, path } = source;
  const { path: folder } = below.use(await access.folder());
  await expectRoom(folder, bytes, access.path);
  if (frozen === 'moving') return await copied(source, folder, signal);
  // Small files are copied in less time than anything else takes, and digests of all rows take longer than a copy. Where we have it open
  // ourselves, reading it here would end our own locks.
  const atOnce = isSmall || access.settings.dump.fingerprints || (await isOpenHere(path));
  return await holdFile({ ...source, folder, clones: await mayClone(path, folder), since, atOnce, signal });
}

function reasonOf(frozen: Frozen, { isCopy }: Content): string {
  if (frozen === 'still') return 'read while others write';
  if (frozen === 'moving') return 'copied first, because somebody reads an older state, or its log cannot be written';
  if (isCopy) return 'copied first, so that writers wait no longer than that takes';
  return 'read where it lies, until somebody wants to write';
}

async function* partsOf(dump: DumpSettings, content: Content): AsyncIterable<DumpPart> {
  yield {
    kind: 'stream',
    role: 'database',
    name: 'database.sqlite',
    format: 'file',
    compression: chosen(dump.compression),
    compressedByTool: null,
    open: (signal) => streamOf(dump, content, signal),
  };
}

/** Ends with an error when it has not been read within `dump.timeout`, however slow its reader is. */
function streamOf({ limit, timeoutMs }: DumpSettings, content: Content, outer: AbortSignal): Readable {
  const time = withTimeout(outer, timeoutMs, () => tookTooLong(timeoutMs ?? 0));
  const pieces = Readable.from(content.pieces(time.signal), { objectMode: false, highWaterMark: bufferedBytes });
  const stream = slowed(pieces, limit === null ? null : sharedRate(limit), time.signal);
  stream.once('close', () => time[Symbol.dispose]());
  return destroyOnAbort(stream, time.signal);
}

const bufferedBytes = 1024 * 1024;

function tookTooLong(ms: number): HoldfastError {
  return new HoldfastError('DUMP_TIMEOUT', `the dump took longer than ${formatDuration(ms)} and was ended`, {
    hint: 'Raise dump.timeout, or see what slows the storage down.',
    retryable: true,
  });
}

async function checkContent(access: Access, session: Session, warnings: string[], signal: AbortSignal): Promise<void> {
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
