import { open, stat } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { fileSink } from '../../base/file-sink.ts';
import type { LoadOptions, RestoreAhead, StoredDump } from '../engine.ts';
import type { Access } from './access.ts';
import { expectFileDump, expectReadable, openStored } from './read-through.ts';
import { startSession } from './session.ts';

/** The bytes of the backup become the file; then SQLite looks whether it can read all of it. */
export async function load(
  access: Access,
  dump: StoredDump,
  options: LoadOptions,
  signal: AbortSignal,
): Promise<{ warnings: string[] }> {
  expectFileDump(dump);
  if (options.scope) throw partImpossible();
  const path = await access.locate();
  await write(path, await dump.open(signal), signal);
  await using session = startSession(path);
  await openStored(session, path, signal);
  // Of our own backups every index was compared when they were made, and their bytes are still those.
  return { warnings: await expectReadable(session, path, { quick: dump.trusted }, signal) };
}

/** Asked while it is planned. */
export function expectWhole({ exists, scope }: Pick<RestoreAhead, 'exists' | 'scope'>): void {
  if (scope !== null && !exists) throw partImpossible();
}

function partImpossible(): HoldfastError {
  return new HoldfastError('WHOLE_ONLY', 'a new SQLite file is restored as a whole', {
    kind: 'usage',
    hint: 'Restore all of it with `--into`, or single tables into a database that exists.',
  });
}

/** Only into what `create` has made: an existing file is never written over. */
async function write(path: string, content: AsyncIterable<Buffer>, signal: AbortSignal): Promise<void> {
  if ((await stat(path)).size > 0) {
    throw new HoldfastError('DATABASE_EXISTS', `the file ${path} is not empty`, { hint: 'Choose another name.' });
  }
  await using file = await open(path, 'r+');
  try {
    await pipeline(content, fileSink(file), { signal });
    await file.sync();
  } catch (error) {
    throwIfAborted(signal);
    throw error;
  }
}
