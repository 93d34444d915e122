import { posix } from 'node:path';
import { writeMark } from '../renamed-stage.ts';
import type { StageFolders } from '../stage-folders.ts';
import { readFile, writeFile } from './files.ts';
import type { Root } from './root.ts';

/** The folders of the server as a stage needs them. They have no time that could be set: a mark inside is written again. */
export function stageFolders(root: Root): StageFolders {
  const folders: StageFolders = {
    title: root.title,
    writing: root.writing,
    exists: async (path, signal) => (await root.facts(path, signal)) !== null,
    makeParents: (path, signal) => root.makeFolder(path, signal),
    make: (path, signal) => root.make(path, signal),
    entries: async (path, signal) =>
      ((await root.entries(path, signal)) ?? []).map((entry) => ({ ...entry, name: posix.basename(entry.path) })),
    write: (path, content, options, stage) =>
      writeFile(root, path, content, options, () => root.makeFolder(posix.dirname(path), options.signal, stage)),
    read: (path, signal) => readFile(root, path, { signal }),
    remove: (path, signal) => root.remove(path, signal),
    removeTree: (path, signal) => root.removeTree(path, signal),
    rename: async (from, to, signal) => {
      root.forget();
      await root.move(from, to, { replace: false, folder: true, signal });
    },
    renameFile: (from, to, signal) => root.move(from, to, { replace: false, folder: false, signal }),
    touch: async (_folder, mark, signal) => {
      await writeMark(folders, mark, signal);
    },
  };
  return folders;
}
