import type { App, AppContext } from '../app.ts';
import { checkInstance } from './check.ts';
import { Client } from './client.ts';
import { instance } from './instance.ts';
import { openSaving } from './save/open.ts';
import type { NocodbSettings } from './options.ts';
import { readThrough } from './read-through.ts';
import { createBases } from './restore/bases.ts';
import { rehearseBases } from './restore/rehearse.ts';

/** NocoDB through its API: bases, tables, records, links, views, files. Its data folder is a file tree of the source. */
export function createNocodb(settings: NocodbSettings, context: AppContext): App {
  const connect = () => new Client(settings, context);
  const { concurrency } = settings;
  return {
    kind: 'nocodb',
    title: `NocoDB at ${settings.url}`,
    optional: settings.optional,
    check: async (signal) => {
      using client = connect();
      return await checkInstance(instance(client), settings, signal);
    },
    open: async (around, signal) => {
      const client = connect();
      try {
        return await openSaving(instance(client), settings, { around, context }, signal);
      } catch (error) {
        client[Symbol.dispose]();
        throw error;
      }
    },
    readThrough,
    rehearse: (saved, task) => rehearseBases({ connect, concurrency }, saved, task),
    bases: createBases({ connect, concurrency }),
  };
}
