import { sharedRate, slowed } from '../base/rate.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import { forward, forwardStage } from './forward.ts';
import type { Stage, Storage } from './storage.ts';

/** Bytes per second; null is as fast as it goes. */
export interface SpeedLimits {
  upload: number | null;
  download: number | null;
}

/** All streams of the storage together stay below these speeds. */
export function withLimit(storage: Storage, limits: SpeedLimits, clock: Clock): Storage {
  const up = limits.upload === null ? null : sharedRate(limits.upload, clock);
  const down = limits.download === null ? null : sharedRate(limits.download, clock);
  const stageOf = (stage: Stage): Stage => ({
    ...forwardStage(stage),
    put: (name, content, options) => stage.put(name, slowed(content, up, options.signal), options),
    get: async (name, options) => slowed(await stage.get(name, options), down, options.signal),
    folder: async (name) => {
      if (up === null) return stage.folder(name);
      throw new HoldfastError('UNEXPECTED', `what a tool writes into ${storage.title} itself cannot be slowed down`);
    },
  });
  return {
    ...forward(storage),
    // What a tool writes by itself does not come through here.
    capabilities: { ...storage.capabilities, localFolders: storage.capabilities.localFolders && up === null },
    put: (key, content, options) => storage.put(key, slowed(content, up, options.signal), options),
    get: async (key, options) => slowed(await storage.get(key, options), down, options.signal),
    stage: async (prefix, signal) => stageOf(await storage.stage(prefix, signal)),
  };
}
