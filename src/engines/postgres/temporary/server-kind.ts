import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../base/errors.ts';
import type { ServerKind } from '../../shared/server-folder.ts';

export const serverKind: ServerKind = {
  prefix: 'holdfast-postgres-',
  user: 'postgres',
  noAccount: () =>
    new HoldfastError('POSTGRES_NO_ACCOUNT', 'a PostgreSQL server cannot run as root, and there is no other account', {
      hint: 'Create a system user named postgres, or run holdfast as an ordinary user.',
    }),
  // The first line of several.
  pidIn: async (folder) => {
    const text = await readFile(join(folder, 'data', 'postmaster.pid'), 'utf8');
    return text.split('\n')[0] ?? '';
  },
};
