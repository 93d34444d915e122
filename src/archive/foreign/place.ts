import { createWriteStream } from 'node:fs';
import { lstat, open, readdir, rm } from 'node:fs/promises';
import { basename, dirname, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import type { Digest } from '../../pipeline/digest.ts';
import type { Storage } from '../../storage/storage.ts';
import type { ListedFile } from './names.ts';

export interface LocalFile extends AsyncDisposable {
  path: string;
  /** Where it was taken while the file came here. */
  digest?: Digest;
}

/** Where backups of other systems lie; only ever read. */
export interface ForeignPlace {
  list(signal: AbortSignal): Promise<{ files: ListedFile[]; aside: string[] }>;
  /** A note beside a backup, as text; null when it is too large to be one. */
  note(file: ListedFile, signal: AbortSignal): Promise<string | null>;
  /** As a file that can be seeked in; fetched for as long as it is needed where it does not lie like that. */
  locally(file: ListedFile, signal: AbortSignal): Promise<LocalFile>;
  /** For people. */
  title(file: ListedFile): string;
}

const largestNote = 64 * 1024 * 1024;

/** A folder and everything below it. Its own name begins every path: it may itself be a backup. */
export function folderPlace(folder: string): ForeignPlace {
  return localPlace(dirname(folder), async (signal) => {
    const entries = await readdir(folder, { withFileTypes: true, recursive: true });
    const files: ListedFile[] = [];
    const aside: string[] = [];
    for (const entry of entries) {
      throwIfAborted(signal);
      const path = join(entry.parentPath, entry.name);
      // A link may lead anywhere, and a pipe has no end: neither is opened.
      if (entry.isFile()) files.push(await listed(dirname(folder), path));
      else if (!entry.isDirectory()) aside.push(slashes(relative(dirname(folder), path)));
    }
    return { files, aside };
  });
}

/** One file, with what lies beside it under a similar name. `digest`: of what was just written there. */
export function filePlace(file: string, digest?: Digest): ForeignPlace {
  const root = dirname(dirname(file));
  const place = localPlace(root, async () => {
    const names = (await readdir(dirname(file), { withFileTypes: true }))
      .filter((entry) => entry.isFile() && isBeside(entry.name, basename(file)))
      .map(({ name }) => name);
    const beside = await Promise.all(names.map((name) => listed(root, join(dirname(file), name))));
    return { files: [await listed(root, file), ...beside], aside: [] };
  });
  if (digest === undefined) return place;
  return {
    ...place,
    locally: async (wanted, signal) => {
      const local = await place.locally(wanted, signal);
      return local.path === file ? { ...local, digest } : local;
    },
  };
}

/** A directory dump: its folder is what is taken in. Null when the folder is none. */
export async function dumpFolderPlace(folder: string): Promise<ForeignPlace | null> {
  if ((await lstat(join(folder, 'toc.dat')).catch(() => null)) === null) return null;
  const { mtime } = await lstat(folder);
  const files = [{ path: basename(folder), bytes: 0, modifiedAt: mtime }];
  return localPlace(dirname(folder), async () => ({ files, aside: [] }));
}

function isBeside(name: string, file: string): boolean {
  const stem = file.replace(/(\.(sql|dump|nbdata))?(\.gz)?$/, '');
  return name !== file && (name === 'manifest.json' || (name.startsWith(stem) && /(\.json|\.meta)$/.test(name)));
}

function localPlace(root: string, list: ForeignPlace['list']): ForeignPlace {
  const pathOf = (file: ListedFile) => join(root, file.path);
  return {
    list,
    title: pathOf,
    note: async (file) => {
      await using handle = await open(pathOf(file));
      const { size } = await handle.stat();
      return size > largestNote ? null : await handle.readFile('utf8');
    },
    locally: async (file) => ({ path: pathOf(file), [Symbol.asyncDispose]: async () => undefined }),
  };
}

async function listed(root: string, path: string): Promise<ListedFile> {
  const { size, mtime } = await lstat(path);
  return { path: slashes(relative(root, path)), bytes: size, modifiedAt: mtime };
}

function slashes(path: string): string {
  return path.split(sep).join('/');
}

/** Everything below a prefix of a storage. */
export function storagePlace(storage: Storage, prefix: string, scratch: string): ForeignPlace {
  return {
    title: ({ path }) => `${storage.name}:${path}`,
    list: async (signal) => {
      const files: ListedFile[] = [];
      for await (const { key, bytes, modifiedAt } of storage.list(prefix, signal)) {
        files.push({ path: key, bytes, modifiedAt });
      }
      return { files, aside: [] };
    },
    note: async (file, signal) => {
      if (file.bytes > largestNote) return null;
      const chunks: Buffer[] = [];
      for await (const chunk of (await storage.get(file.path, { signal })) as AsyncIterable<Buffer>) chunks.push(chunk);
      return Buffer.concat(chunks).toString('utf8');
    },
    locally: async (file, signal) => {
      const path = storage.localPath(file.path);
      if (path !== null) return { path, [Symbol.asyncDispose]: async () => undefined };
      const folder = await makeScratchFolder(scratch, 'fetched-');
      const remove = () => rm(folder, { recursive: true, force: true });
      try {
        const fetched = join(folder, 'file');
        await pipeline(
          await storage.get(file.path, { signal }),
          createWriteStream(fetched, { flags: 'wx', mode: 0o600 }),
        );
        const { size } = await lstat(fetched);
        if (size !== file.bytes) {
          throw new HoldfastError('STORAGE_CUT', `${file.path} has ${size} bytes instead of ${file.bytes}`, {
            kind: 'integrity',
          });
        }
        return { path: fetched, [Symbol.asyncDispose]: remove };
      } catch (error) {
        await remove();
        throw error;
      }
    },
  };
}
