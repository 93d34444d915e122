import type { App, AppContext } from '../app.ts';
import { checkInstance } from './check.ts';
import { Client } from './client.ts';
import { instance } from './instance.ts';
import { openSaving } from './open.ts';
import type { NocodbSettings } from './options.ts';
import { readThrough } from './read-through.ts';

/** NocoDB through its API: bases, tables, records, links, views, files. Its data folder is a file tree of the source. */
export function createNocodb(settings: NocodbSettings, context: AppContext): Omit<App, 'rehearse'> {
  const connect = () => instance(new Client(settings, context));
  return {
    kind: 'nocodb',
    title: `NocoDB at ${settings.url}`,
    check: async (signal) => {
      const connected = connect();
      using _client = connected.client;
      return await checkInstance(connected, settings, signal);
    },
    open: async (around, signal) => {
      const connected = connect();
      try {
        return await openSaving(connected, settings, { around, context }, signal);
      } catch (error) {
        connected.client[Symbol.dispose]();
        throw error;
      }
    },
    readThrough,
  };
}
