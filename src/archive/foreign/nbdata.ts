import { open } from 'node:fs/promises';
import { basename } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { Secret } from '../../base/secret.ts';
import { openNbdataBytes } from './nbdata-bytes.ts';
import { readZip, type ZipMember } from './nbdata-zip.ts';

/** What NocoBase noted about its backup; fields it did not write are null. */
export interface NbdataFacts {
  /** Of the application. */
  version: string | null;
  dialect: string | null;
  databaseVersion: string | null;
  clientVersion: string | null;
  underscored: boolean;
  tablePrefix: string;
  schema: string;
  description: string | null;
  plugins: { name: string; version: string | null }[];
}

export type NbdataPart = 'database' | 'files' | 'keys' | 'metadata' | 'other';

export interface NbdataMember extends ZipMember {
  part: NbdataPart;
}

/** A backup of NocoBase's backup manager, opened for reading. */
export interface Nbdata extends AsyncDisposable {
  readonly encrypted: boolean;
  readonly facts: NbdataFacts;
  readonly members: readonly NbdataMember[];
  readonly database: NbdataMember;
}

/** Asks for the password only when the file needs one; null: nobody knows it. */
export async function unlockNbdata(
  path: string,
  password: (name: string) => Promise<Secret | null>,
  signal: AbortSignal,
): Promise<Nbdata> {
  try {
    return await openNbdata(path, { password: null, signal });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.code !== 'NBDATA_PASSWORD_NEEDED') throw error;
    const given = await password(basename(path));
    if (given === null) throw error;
    return openNbdata(path, { password: given, signal });
  }
}

const largestMetadata = 16 * 1024 * 1024;

async function openNbdata(
  path: string,
  { password, signal }: { password: Secret | null; signal: AbortSignal },
): Promise<Nbdata> {
  const name = basename(path);
  await using cleanup = new AsyncDisposableStack();
  const file = cleanup.use(await openFile(path));
  const bytes = await openNbdataBytes(file, name, password);
  const members = (await readZip(bytes, name)).map((member) => ({ ...member, part: partOf(member.path) }));
  const database = members.find(({ part }) => part === 'database');
  const metadata = members.find(({ part }) => part === 'metadata');
  if (!database || !metadata || database.problem !== null || metadata.problem !== null) {
    const what = database ? (metadata ? 'one of them is not a plain file' : 'no _metadata.json') : 'no data';
    throw new HoldfastError('NBDATA_INCOMPLETE', `${name} is not a backup of NocoBase: ${what} in it`, {
      kind: 'integrity',
      hint: 'A .nbdata file holds a dump named data and a _metadata.json.',
    });
  }
  const facts = await readFacts(metadata, name, signal);
  const kept = cleanup.move();
  return { encrypted: bytes.encrypted, facts, members, database, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function openFile(path: string) {
  return open(path).catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `there is no file ${path} that can be read`, { kind: 'usage', cause });
  });
}

function partOf(path: string): NbdataPart {
  if (path === 'data') return 'database';
  if (path === '_metadata.json') return 'metadata';
  if (path.startsWith('uploads/')) return 'files';
  if (path === 'aes_key.dat' || path.endsWith('.key')) return 'keys';
  return 'other';
}

async function readFacts(member: ZipMember, name: string, signal: AbortSignal): Promise<NbdataFacts> {
  if (member.bytes > largestMetadata) throw unreadable(name, null);
  const chunks: Buffer[] = [];
  for await (const chunk of (await member.open(signal)) as AsyncIterable<Buffer>) chunks.push(chunk);
  try {
    return factsOf(JSON.parse(Buffer.concat(chunks).toString('utf8')));
  } catch (error) {
    throw unreadable(name, error);
  }
}

/** What is missing is what NocoBase means by its absence: not underscored, no prefix, no schema. */
export function factsOf(value: unknown): NbdataFacts {
  const top = recordOf(value);
  const database = recordOf(top['database']);
  const plugins = Array.isArray(top['plugins']) ? top['plugins'].map(recordOf) : [];
  return {
    version: textOf(top['version']),
    dialect: textOf(database['dialect']),
    databaseVersion: textOf(database['version']),
    clientVersion: textOf(database['backupClientVersion']),
    underscored: database['underscored'] === true,
    tablePrefix: textOf(database['tablePrefix']) ?? '',
    schema: textOf(database['schema']) ?? '',
    description: textOf(top['description']),
    plugins: plugins.flatMap((plugin) => {
      const plugged = textOf(plugin['name']);
      return plugged === null ? [] : [{ name: plugged, version: textOf(plugin['version']) }];
    }),
  };
}

function recordOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function unreadable(name: string, cause: unknown): HoldfastError {
  return new HoldfastError(
    'NBDATA_INCOMPLETE',
    `${name} is not a backup of NocoBase: its _metadata.json cannot be read`,
    {
      kind: 'integrity',
      ...(cause === null ? {} : { cause }),
    },
  );
}
