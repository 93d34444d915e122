import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../../base/errors.ts';
import type { ServerKind } from '../../shared/server-folder.ts';

export const serverKind: ServerKind = {
  prefix: 'holdfast-mysql-',
  user: 'mysql',
  noAccount: () =>
    new HoldfastError(
      'MYSQL_NO_ACCOUNT',
      'a MariaDB or MySQL server does not run as root, and there is no other account',
      { hint: 'Create a system user named mysql, or run holdfast as an ordinary user.' },
    ),
  pidIn: (folder) => readFile(join(folder, 'pid'), 'utf8'),
};
