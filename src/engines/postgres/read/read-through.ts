import { Readable } from 'node:stream';
import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { letGo } from '../../../base/reuse.ts';
import { runProcess, toolFailure } from '../../../base/run-process.ts';
import type { DumpEntry, StoredDump, TableName } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { damagedDump, tellsOfDamage, tooOld, unreadDump } from './damaged-dump.ts';
import { reachableFor } from '../connect/dump-place.ts';
import { startFed } from '../connect/fed-process.ts';
import { wholeTar } from './tar-framing.ts';
import { contentsOfScript } from './script-tables.ts';
import { parentsOfPartitions } from './select-entries.ts';
import { readTocOfFolder, readTocOfStream, tocFile, type Toc } from './toc.ts';
import { toolCommand } from '../connect/tool-command.ts';

/**
 * Reads a dump to its end as pg_restore would when restoring: `pg_restore -l` answers 0 on files that are cut off, flipped or were left
 * by a killed pg_dump. Needs no server.
 */
export async function readThrough(
  access: Access,
  dump: StoredDump,
  signal: AbortSignal,
): Promise<{ entries: number | null }> {
  if (dump.format === 'plain') {
    await readPlainToEnd(await dump.open(signal));
    return { entries: null };
  }
  const tools = await access.tools({ tools: ['pg_restore'], minimum: null, preferred: null }, signal);
  const nowhere = ['--file=/dev/null'];
  if (dump.format === 'directory') {
    await using local = await dump.locally(signal);
    const toc = await readTocOfFolder(local.path);
    await using place = await reachableFor(tools, local.path, signal);
    const args = ['--format=directory', ...nowhere, place.path];
    await orDamaged(runProcess(toolCommand(tools, 'pg_restore', args, { address: null }), { signal }), signal);
    return { entries: toc.entries.length };
  }
  const toc = await readTocOfStream(await dump.open(signal), dump.format);
  const command = toolCommand(tools, 'pg_restore', [`--format=${dump.format}`, ...nowhere], { address: null });
  const reading = startFed(command, await openWhole(dump, signal), { signal, stdout: 'ignore' });
  await orDamaged(reading.done, signal);
  return { entries: toc.entries.length };
}

/** The bytes for a tool, failing where the tool would not notice that some are missing. */
export async function openWhole(dump: StoredDump, signal: AbortSignal): Promise<Readable> {
  const stream = await dump.open(signal);
  return dump.format === 'tar' ? Readable.from(wholeTar(stream), { objectMode: false }) : stream;
}

export async function contents(dump: StoredDump, signal: AbortSignal): Promise<DumpEntry[]> {
  const { entries } = await tocOf(dump, signal);
  const parents = parentsOfPartitions(entries);
  return entries.map((entry) => {
    const { id, kind, schema, name, owner } = entry;
    const parent = parents.get(entry);
    return {
      id,
      kind,
      schema,
      name,
      owner,
      ...(parent && { partitionOf: { schema: parent.schema ?? '', name: parent.name } }),
    };
  });
}

export async function brings(
  dump: StoredDump,
  signal: AbortSignal,
): Promise<{ tables: TableName[]; rows: TableName[] }> {
  if (dump.format === 'plain') return contentsOfScript(await dump.open(signal));
  const { entries } = await tocOf(dump, signal);
  const named = (wanted: string) =>
    entries.filter(({ kind }) => kind === wanted).map(({ schema, name }) => ({ schema: schema ?? '', name }));
  return { tables: named('TABLE'), rows: named('TABLE DATA') };
}

export async function tocOf(dump: StoredDump, signal: AbortSignal): Promise<Toc> {
  if (dump.format === 'plain') {
    throw new HoldfastError('DUMP_IS_PLAIN', 'a plain dump is a script and has no table of contents', {
      kind: 'refused',
      hint: 'Restore it as a whole, beside the live database with `--into`, and copy what you need from there.',
    });
  }
  if (dump.format !== 'directory') return readTocOfStream(await dump.open(signal), dump.format);
  await using local = await dump.locally(signal, { only: [tocFile] });
  return await readTocOfFolder(local.path);
}

async function orDamaged(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  try {
    await work;
  } catch (error) {
    throwIfAborted(signal);
    const failure = toolFailure(error);
    if (!failure) throw error;
    throw tooOld(failure, error) ?? (tellsOfDamage(failure) ? damagedDump(failure, error) : unreadDump(failure, error));
  }
}

const endMark = '-- PostgreSQL database dump complete';
const tailBytes = 4096;

async function readPlainToEnd(stream: Readable): Promise<void> {
  const end = watchPlainEnd();
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    end.add(chunk);
    letGo(chunk);
  }
  end.check();
}

/**
 * A script cut off at the end of a line runs without an error, only its keys are missing: its own last words are the proof. After them come
 * nothing but a comment line and, from patched tools, `\unrestrict`.
 */
export function watchPlainEnd(): { add(chunk: Buffer): void; check(): void } {
  let tail: Buffer = Buffer.alloc(0);
  return {
    add: (chunk) => {
      // A copy: what it was given may be freed.
      const end = chunk.subarray(-tailBytes);
      tail = end.length === tailBytes ? Buffer.from(end) : Buffer.concat([tail, end]).subarray(-tailBytes);
    },
    check: () => {
      if (isPlainEnd(tail.toString('utf8'))) return;
      throw new HoldfastError('DUMP_DAMAGED', 'the dump does not end as pg_dump ends one', {
        kind: 'integrity',
        hint: 'It was cut off, or not made by pg_dump. Use another backup.',
      });
    },
  };
}

export function isPlainEnd(tail: string): boolean {
  const at = tail.lastIndexOf(`\n${endMark}`);
  if (at === -1) return false;
  const after = tail.slice(at + 1 + endMark.length).split(/\r?\n/);
  return after.every((line) => line === '' || line === '--' || /^\\unrestrict [A-Za-z0-9]+$/.test(line));
}
