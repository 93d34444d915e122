import { localOptions } from './local/options.ts';
import { localStorage } from './local/local.ts';

/** Every kind of storage: a new one is a folder beside `local` and a line here. */
export const storages = {
  local: { schema: localOptions, create: localStorage },
} as const;
