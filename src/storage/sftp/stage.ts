import { posix } from 'node:path';
import type { StageFolders } from '../stage-folders.ts';
import { readFile, writeFile } from './files.ts';
import { folderMode, type Root } from './root.ts';

/** The folders of the server as a stage needs them. */
export function stageFolders(root: Root): StageFolders {
  const rename = async (from: string, to: string, signal: AbortSignal) => {
    root.forget();
    await root.rename(root.at(from), root.at(to), signal).catch(async (error: unknown) => {
      throw await root.explain(error, to);
    });
  };
  return {
    title: root.title,
    writing: root.writing,
    exists: async (path, signal) => (await root.facts(root.at(path), signal)) !== null,
    makeParents: (path, signal) => root.makeFolder(root.at(path), signal),
    make: async (path, signal) => {
      try {
        await root.ask(signal, (sftp, done) => sftp.mkdir(root.at(path), { mode: folderMode }, done));
        return true;
      } catch (error) {
        if ((await root.facts(root.at(path), signal)) !== null) return false;
        throw await root.explain(error, path);
      }
    },
    entries: async (path, signal) => (await root.entries(root.at(path), signal)) ?? [],
    write: (path, content, { signal }, stage) => {
      const at = root.at(path);
      return writeFile(root, at, content, signal, () => root.makeFolder(posix.dirname(at), signal, root.at(stage)));
    },
    read: (path, signal) => readFile(root, path, { signal }),
    remove: (path, signal) => root.remove(root.at(path), signal),
    removeTree: (path, signal) => root.removeTree(root.at(path), signal),
    rename,
    renameFile: rename,
    touch: async (folder, _mark, signal) => {
      const now = new Date();
      await root.ask(signal, (sftp, done) => sftp.utimes(root.at(folder), now, now, done));
    },
  };
}
