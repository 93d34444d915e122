import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { gzipSync } from 'node:zlib';
import { writeNbdata } from './nbdata-writer.ts';
import { clientTools, type TestPostgres } from './postgres.ts';

const run = promisify(execFile);

/** Backups as the five systems leave them, made with the tools they use. */
export interface OldBackups {
  folder: string;
  nocodb: string;
  nestjs: string;
  opsCenter: string;
  tma: string;
  nocobase: string;
}

export async function dumpWith(server: TestPostgres, database: string, args: string[]): Promise<Buffer> {
  const { stdout } = await run(join(clientTools(15) ?? '', 'pg_dump'), [...args, '--dbname', server.url(database)], {
    encoding: 'buffer',
    maxBuffer: 256 * 1024 * 1024,
  });
  return stdout;
}

export async function writeFiles(folder: string, files: Record<string, string | Buffer>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

export async function writeOldBackups(server: TestPostgres, database: string, folder: string): Promise<OldBackups> {
  const plain = gzipSync(await dumpWith(server, database, ['--no-owner', '--no-acl']));
  // Another moment, and therefore other bytes.
  const ops = gzipSync(await dumpWith(server, database, ['--no-owner', '--no-acl', '--no-comments']), { level: 9 });
  const custom = await dumpWith(server, database, ['-Fc', '--no-owner', '--no-privileges']);
  const names = {
    nocodb: 'nocodb/2025-03-01_05-15-00',
    nestjs: `nestjs/${database}_2025-04-01_02-00-00.dump.gz`,
    opsCenter: `ops/backup_${database}_20250501_143022.sql.gz`,
    tma: `tma/${database}_20250601T020000Z.dump`,
    nocobase: 'nocobase/backup_20250701_000000_0042.nbdata',
  };
  await writeFiles(folder, {
    [`${names.nocodb}/database.sql.gz`]: plain,
    [`${names.nocodb}/nocodb-data.tar.gz`]: gzipSync('not looked at'),
    [`${names.nocodb}/bases/Shop/metadata.json`]: '{}',
    [`${names.nocodb}/bases/Shop/tables/T/records.json.gz`]: gzipSync('[]'),
    [`${names.nocodb}/manifest.json`]: JSON.stringify({ version: '1.0', bases: [] }),
    [names.nestjs]: gzipSync(custom),
    [names.opsCenter]: ops,
    [`${names.opsCenter}.json`]: JSON.stringify({
      filename: names.opsCenter.slice(4),
      timestamp: '20250501_143022',
      created_at: '2025-05-01T14:30:22.123456',
      database,
      size_bytes: ops.length,
      size_mb: 0.01,
      description: 'Before major update',
      compressed: true,
    }),
    [names.tma]: custom,
    [`${names.tma}.meta`]: [
      'timestamp=20250601T020000Z',
      `database=${database}`,
      'user=postgres',
      'mode=docker',
      'format=custom',
      'compression=--compress=6',
      'toc_entries=25',
      'file_size=12M',
      'duration_seconds=4',
      `sha256=${createHash('sha256').update(custom).digest('hex')}`,
      '',
      '# Table row counts at backup time',
      'public.users=5',
      '',
    ].join('\n'),
    'readme.txt': 'somebody wrote this',
  });
  await writeNbdata(join(folder, names.nocobase), { data: custom, password: null });
  const path = (name: string) => join(folder, name);
  return {
    folder,
    nocodb: path(names.nocodb),
    nestjs: path(names.nestjs),
    opsCenter: path(names.opsCenter),
    tma: path(names.tma),
    nocobase: path(names.nocobase),
  };
}

/** Bytes and times of files, to show that nobody touched them. */
export async function stateOf(paths: readonly string[]): Promise<unknown[]> {
  return Promise.all(
    paths.map(async (path) => {
      const { mtimeMs, size, mode, ino } = await stat(path);
      return [
        path,
        mtimeMs,
        size,
        mode,
        ino,
        createHash('sha256')
          .update(await readFile(path))
          .digest('hex'),
      ];
    }),
  );
}
