import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { mariadb } from '../../src/engines/mysql/mysql.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';

// A swap in a process of its own, to be killed: `node mariadb-swap-process.ts URL REPLACEMENT PREVIOUS SCRATCH`.
const [, , url = '', replacement = '', previous = '', scratch = ''] = process.argv;
const database = mariadb.connect(
  { database: databaseSchema.parse({ engine: 'mariadb', url }), via: null, dump: dumpSchema.parse({}) },
  { clock: systemClock, logger: silentLogger, scratch },
);
await database.swap({ replacement, previous }, 'refuse', new AbortController().signal);
