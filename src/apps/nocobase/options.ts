import { resolve } from 'node:path';
import { z } from 'zod';

const text = z
  .string()
  .min(1, { error: 'must not be empty' })
  .refine((value) => !value.includes('\0'), { error: 'must not contain a NUL character' });

const identifier = z
  .string()
  .regex(/^[^\0"`]{0,63}$/, { error: 'must be a name of at most 63 characters, without quotes' });

const flag = z
  .union([z.boolean(), z.enum(['true', 'false'])], { error: 'must be true or false' })
  .transform((value) => String(value) === 'true');

const url = z
  .string()
  .refine((written) => /^https?:\/\/[^/?#@]+(\/[^?#]*)?$/.test(written) && URL.canParse(written), {
    error: 'must be an address such as http://nocobase:13000, without user and password',
  })
  .transform((written) => written.replace(/\/+$/, ''));

export const appSchema = z
  .strictObject({
    kind: z.literal('nocobase'),
    path: text.meta({ description: 'The folder of NocoBase: the one with its .env and its storage folder.' }),
    storagePath: text
      .optional()
      .meta({ description: 'Its storage folder, where neither .env nor <path>/storage says.' }),
    envFile: text.optional().meta({ description: 'Its file of settings; otherwise <path>/.env.' }),
    url: url.optional().meta({ description: 'Where it answers, to see whether it runs; otherwise APP_PORT here.' }),
    schema: identifier.optional().meta({ description: 'DB_SCHEMA, where several NocoBase share one database.' }),
    tablePrefix: identifier.optional().meta({ description: 'DB_TABLE_PREFIX, where several NocoBase share a schema.' }),
    underscored: flag.optional().meta({ description: 'DB_UNDERSCORED, where that alone tells two apart.' }),
  })
  .transform(
    ({ kind, path, storagePath, envFile, url: address, schema, tablePrefix, underscored }): NocobaseSettings => {
      return {
        kind,
        path: resolve(path),
        storagePath: storagePath === undefined ? null : resolve(path, storagePath),
        envFile: envFile === undefined ? null : resolve(path, envFile),
        url: address ?? null,
        schema: schema ?? null,
        tablePrefix: tablePrefix ?? null,
        underscored: underscored ?? null,
      };
    },
  );

/** Null: found in the database or in the application's own settings. */
export interface NocobaseSettings {
  kind: 'nocobase';
  path: string;
  storagePath: string | null;
  envFile: string | null;
  /** Without a slash at its end. */
  url: string | null;
  schema: string | null;
  tablePrefix: string | null;
  underscored: boolean | null;
}
