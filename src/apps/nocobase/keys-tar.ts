import { Readable } from 'node:stream';
import { extract, pack } from 'tar-stream';
import { HoldfastError } from '../../base/errors.ts';
import { destroyOnAbort } from '../../base/streams.ts';
import type { AppPart } from '../app.ts';
import { elsewhereName, keyFolders, settingsName, type KeyFile } from './key-files.ts';

export const keysPart = 'app/keys.tar';

/** A tar that stock tools open: an operator must get at the keys without this program too. */
export function packKeys(keys: readonly KeyFile[], signal: AbortSignal): Readable {
  const tar = pack();
  for (const { name, content, uid, gid } of keys)
    tar.entry({ name, uid, gid, mode: 0o600, mtime: new Date(0) }, content);
  tar.finalize();
  // It is a stream of another library, which Node's own do not know as one.
  return destroyOnAbort(Readable.from(tar, { objectMode: false }), signal);
}

export function keysAsPart(keys: readonly KeyFile[]): AppPart {
  return {
    kind: 'stream',
    role: 'app',
    name: keysPart,
    format: 'tar',
    compression: { codec: 'none', level: null },
    compressedByTool: null,
    open: (signal) => packKeys(keys, signal),
  };
}

export type SavedKey = Omit<KeyFile, 'path'>;

/** Nothing in it leads anywhere else, whoever wrote it. */
export async function unpackKeys(stream: Readable): Promise<SavedKey[]> {
  const tar = extract();
  const keys: SavedKey[] = [];
  stream.once('error', (error) => tar.destroy(error));
  stream.pipe(tar);
  try {
    for await (const entry of tar) {
      const { name, type, uid, gid } = entry.header;
      const chunks: Buffer[] = [];
      for await (const chunk of entry as AsyncIterable<Buffer>) chunks.push(chunk);
      if (type !== 'file' || !isKeyName(name)) throw new Error(`it has ${JSON.stringify(name)} in it`);
      keys.push({ name, content: Buffer.concat(chunks), uid, gid });
    }
    return keys;
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('NOCOBASE_KEYS_DAMAGED', 'the saved keys of NocoBase cannot be read', {
      kind: 'integrity',
      cause,
      hint: 'Use another copy of the backup.',
    });
  }
}

function isKeyName(name: string): boolean {
  if (name === settingsName || name === elsewhereName) return true;
  const [folder = '', ...rest] = name.split('/');
  const plain = rest.every((part) => part !== '' && part !== '.' && part !== '..' && !/[\0\\]/.test(part));
  return keyFolders.includes(folder) && rest.length > 0 && plain;
}
