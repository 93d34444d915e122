import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { HoldfastError } from '../../../base/errors.ts';

/** What the files of a directory dump are; beside them as `index.json`. */
export const indexFile = 'index.json';

const filesSchema = z.array(z.string().regex(/^[a-z0-9-]+\.sql$/));
const indexSchema = z.object({
  kind: z.literal('holdfast-mysql-directory'),
  version: z.literal(1),
  database: z.string(),
  /** In which order a restore takes them; within `tables` there is none. */
  sequences: filesSchema,
  tables: z.array(z.object({ name: z.string(), file: z.string().regex(/^[a-z0-9-]+\.sql$/) })),
  code: filesSchema,
  views: filesSchema,
  /** Names, for the table of contents. */
  sequenceNames: z.array(z.string()),
  viewNames: z.array(z.string()),
  compression: z.enum(['none', 'gzip', 'zstd']),
});

export type DumpIndex = z.output<typeof indexSchema>;

const extensions = { none: '', gzip: '.gz', zstd: '.zst' } as const;

/** As the file is called on disk. */
export function fileName(file: string, compression: DumpIndex['compression']): string {
  return file + extensions[compression];
}

export async function readIndex(folder: string): Promise<DumpIndex> {
  try {
    return indexSchema.parse(JSON.parse(await readFile(join(folder, indexFile), 'utf8')));
  } catch (error) {
    throw new HoldfastError('DUMP_DAMAGED', 'the index of the directory dump is missing or cannot be read', {
      kind: 'integrity',
      cause: error,
      hint: 'Use another backup; `holdfast verify` tells which ones are whole.',
    });
  }
}
