import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { mysql } from '../../src/engines/mysql/mysql.ts';
import { databaseSchema } from '../../src/engines/mysql/options.ts';

// A swap in a process of its own, to be killed: `node mysql-swap-process.ts URL REPLACEMENT PREVIOUS SCRATCH`.
const [, , url = '', replacement = '', previous = '', scratch = ''] = process.argv;
const database = mysql.connect(
  { database: databaseSchema.parse({ engine: 'mysql', url }), via: null, dump: dumpSchema.parse({}) },
  { clock: systemClock, logger: silentLogger, scratch },
);
await database.swap({ replacement, previous }, 'refuse', new AbortController().signal);
