import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { createAccess, type Access } from '../../src/engines/postgres/connect/access.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import { databaseSchema } from '../../src/engines/postgres/options.ts';
import { viaSchema } from '../../src/engines/via-options.ts';

export interface AccessOptions {
  database?: Record<string, unknown>;
  dump?: Record<string, unknown>;
  container?: string;
  containerEngine?: 'docker' | 'podman';
}

/** A database as the engine reaches it, configured the way the configuration would. */
export function accessTo(url: string, options: AccessOptions = {}): Access {
  return createAccess(
    {
      database: databaseSchema.parse({ url, ...options.database }),
      via:
        options.container === undefined
          ? null
          : viaSchema.parse({ container: options.container, engine: options.containerEngine }),
      dump: dumpSchema.parse(options.dump ?? {}),
    },
    { clock: systemClock, logger: silentLogger, scratch: join(tmpdir(), `holdfast-test-${process.pid}`) },
  );
}
