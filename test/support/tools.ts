import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { clientTools } from './postgres.ts';

/**
 * A folder of client tools, for `database.tools`: the real ones, but for those with a shell script of their own. In a script,
 * `$real` is the tool it stands for; asked for its version, each answers as the real one.
 */
export async function toolsWith(
  folder: string,
  scripts: Partial<Record<'pg_dump' | 'pg_restore' | 'psql' | 'pg_dumpall', string>>,
): Promise<string> {
  const real = clientTools(15);
  if (real === null) throw new Error('the tests need the PostgreSQL 15 client tools');
  await mkdir(folder);
  for (const tool of ['pg_dump', 'pg_restore', 'psql', 'pg_dumpall'] as const) {
    const script = scripts[tool];
    const path = join(folder, tool);
    if (script === undefined) {
      await symlink(join(real, tool), path);
      continue;
    }
    const version = 'case "$*" in *--version*) exec "$real" --version ;; esac';
    await writeFile(path, `#!/bin/sh\nreal='${join(real, tool)}'\n${version}\n${script}\n`);
    await chmod(path, 0o755);
  }
  return folder;
}
