import type { Stage, Storage } from './storage.ts';

/** A storage as a plain object that passes everything on: wrappers spread it and replace what they change. */
export function forward(storage: Storage): Storage {
  return {
    name: storage.name,
    title: storage.title,
    capabilities: storage.capabilities,
    put: (key, content, options) => storage.put(key, content, options),
    get: (key, options) => storage.get(key, options),
    list: (prefix, signal) => storage.list(prefix, signal),
    folders: (prefix, signal) => storage.folders(prefix, signal),
    stat: (key, signal) => storage.stat(key, signal),
    statMany: (keys, signal) => storage.statMany(keys, signal),
    delete: (keys, signal) => storage.delete(keys, signal),
    removeFolder: (prefix, signal) => storage.removeFolder(prefix, signal),
    stage: (prefix, signal) => storage.stage(prefix, signal),
    unfinished: (prefix, signal) => storage.unfinished(prefix, signal),
    removeUnfinished: (prefix, signal) => storage.removeUnfinished(prefix, signal),
    clearUploads: (prefix, begunBefore, signal) => storage.clearUploads(prefix, begunBefore, signal),
    localPath: (key) => storage.localPath(key),
    ...(storage.place === undefined ? {} : { place: storage.place }),
    ...(storage.setup === undefined ? {} : { setup: storage.setup }),
    ...(storage.identity === undefined ? {} : { identity: storage.identity }),
    free: (signal) => storage.free(signal),
    [Symbol.asyncDispose]: () => storage[Symbol.asyncDispose](),
  };
}

export function forwardStage(stage: Stage): Stage {
  return {
    put: (name, content, options) => stage.put(name, content, options),
    get: (name, options) => stage.get(name, options),
    sizes: (signal) => stage.sizes(signal),
    folder: (name) => stage.folder(name),
    adopt: (name) => stage.adopt(name),
    remove: (name) => stage.remove(name),
    commit: (signal) => stage.commit(signal),
    [Symbol.asyncDispose]: () => stage[Symbol.asyncDispose](),
  };
}
