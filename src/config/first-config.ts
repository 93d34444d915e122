import { open, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { HoldfastError, systemErrno } from '../base/errors.ts';
import { makeFolders } from '../base/folders.ts';
import { Secret } from '../base/secret.ts';
import { isSourceName } from '../base/ids.ts';
import { databaseSchema, engineOf } from './database-schema.ts';
import { escapeReferences } from './interpolate.ts';
import { passwordsIn } from './secrets.ts';

/** A database that is reached by an address, or the file of one of SQLite. */
export type FirstDatabase = { url: string } | { path: string };

/** What `init` asks for. */
export interface FirstConfig {
  source: string;
  database: FirstDatabase;
  /** `variable`: in HOLDFAST_DATABASE_PASSWORD at every start. A value is written to a file of its own. */
  password: Secret | 'variable' | null;
  storagePath: string;
  /** A cron pattern, or null for none. */
  schedule: string | null;
  timezone: string;
}

/**
 * Writes a first `holdfast.yaml`, which never holds a password: that goes to `secrets/<source>.password` beside it, readable only
 * by this user and ignored by git. Never overwrites anything. Returns what was written.
 */
export async function writeFirstConfig(file: string, wanted: FirstConfig): Promise<string[]> {
  const { database, password: inUrl } = withoutItsPassword(wanted.database);
  const password = hasPassword(database) ? (wanted.password ?? inUrl) : null;
  const folder = dirname(file);
  const secretFile = join(folder, 'secrets', `${wanted.source}.password`);
  makeFolders(folder);
  await create(file, firstConfigText({ ...wanted, database, password }));
  if (!(password instanceof Secret)) return [file];
  try {
    makeFolders(dirname(secretFile), 0o700);
    await create(secretFile, `${password.reveal()}\n`);
    await create(join(dirname(secretFile), '.gitignore'), '*\n').catch(() => undefined);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
  return [file, secretFile];
}

export function firstConfigText({ source, database, password, storagePath, schedule, timezone }: FirstConfig): string {
  const text = (value: string) => JSON.stringify(escapeReferences(value));
  return `# What Holdfast protects, where it keeps backups, and for how long.
# Check it after a change: holdfast config validate. Everything it may say: holdfast schema.

# For times on the screen and in schedules.
timezone: ${timezone}

sources:
  ${source}:
    database:
${'path' in database ? `      engine: sqlite\n      path: ${text(database.path)}` : `      url: ${text(database.url)}`}
${hasPassword(database) ? passwordLines(source, password) : ''}${scheduleLines(schedule)}
    # A backup is removed only when none of these rules keeps it.
    retention:
      last: 7
      daily: 14
      weekly: 8
      monthly: 12

storages:
  # Better not on the disk the database is on.
  local:
    type: local
    path: ${text(storagePath)}
`;
}

function passwordLines(source: string, password: FirstConfig['password']): string {
  if (password === null) return '      # password: "${HOLDFAST_DATABASE_PASSWORD}", or "${file:/run/secrets/...}"\n';
  if (password === 'variable')
    return '      # Taken from the environment at every start.\n      password: "${HOLDFAST_DATABASE_PASSWORD}"\n';
  return `      # In a file of its own, so that this one can be shared and kept in git.\n      password: "\${file:secrets/${source}.password}"\n`;
}

/** A file has none: whoever may read it has the data. */
export function hasPassword(database: FirstDatabase): boolean {
  return 'url' in database && engineOf(database) !== 'sqlite';
}

function withoutItsPassword(database: FirstDatabase): { database: FirstDatabase; password: Secret | null } {
  if ('path' in database) return { database, password: null };
  const { url, password } = withoutPassword(database.url);
  return { database: { url }, password };
}

function scheduleLines(schedule: string | null): string {
  if (schedule === null) return '    # schedule: { cron: "15 3 * * *" }   # or { every: 24h }';
  return `    # Minute, hour, day of the month, month, weekday. Or, instead of cron: every: 24h
    # For holdfast serve. Whoever lets cron or a systemd timer call holdfast backup leaves it out.
    schedule:
      cron: ${JSON.stringify(schedule)}`;
}

/** Takes the password out of an address. */
export function withoutPassword(url: string): { url: string; password: Secret | null } {
  const found = passwordsIn(url);
  if (found.length === 0) return { url, password: null };
  const bare = url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^:/?#]*):.*(@[^@]*)$/is, '$1$2')
    .replace(/([?&])password=[^&]*&?/i, '$1')
    .replace(/[?&]$/, '');
  return { url: bare, password: new Secret(found.at(-1) ?? '') };
}

/** What is wrong with the address of a database, or null. */
export function problemWithAddress(url: string): string | null {
  const read = parse({ url });
  if (read.success) return null;
  const others = /^(postgres(ql)?|mysql|mariadb|sqlite):\/\//.test(url) ? '' : ' (or mysql://, mariadb://, sqlite:///)';
  return `the address ${read.error.issues[0]?.message ?? 'cannot be used'}${others}`;
}

/** The database's name, as far as it can be the name of a source. */
export function sourceNameFor(wanted: FirstDatabase): string {
  const database = parse(wanted).data;
  const called =
    database?.engine === 'sqlite'
      ? basename(database.path).replace(/\.[^.]*$/, '')
      : (database?.address.database ?? '');
  const name = called
    .toLowerCase()
    .replaceAll(/[^a-z0-9._-]+/g, '-')
    .replace(/^[^a-z0-9]+/, '')
    .slice(0, 63);
  return isSourceName(name) ? name : 'main';
}

function parse(database: FirstDatabase) {
  return databaseSchema.safeParse({ engine: engineOf(database) ?? 'postgres', ...database });
}

async function create(file: string, text: string): Promise<void> {
  try {
    await using handle = await open(file, 'wx', 0o600);
    await handle.writeFile(text).catch(async (error: unknown) => {
      await rm(file, { force: true });
      throw error;
    });
    await handle.sync();
  } catch (error) {
    if (systemErrno(error) !== 'EEXIST') throw error;
    throw new HoldfastError('CONFIG_EXISTS', `${file} exists already and is not overwritten`, {
      kind: 'refused',
      hint: 'Edit it, or move it away first.',
    });
  }
}
