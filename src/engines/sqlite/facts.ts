import { stat } from 'node:fs/promises';
import type { DatabaseFacts } from '../engine.ts';
import type { Access } from './access.ts';
import type { FileFacts } from './process/facts.ts';
import type { Session } from './session.ts';

export async function readFacts(access: Access, session: Session, signal: AbortSignal): Promise<DatabaseFacts> {
  return describe(access, await session.ask('facts', {}, signal), await rightsOf(await access.locate()));
}

/** What a file that cannot be read says of itself; a restore takes the rest from the backup. */
export async function factsOfUnreadable(access: Access, path: string): Promise<DatabaseFacts> {
  const { size, ...rights } = await rightsOf(path);
  return { ...nothingKnown, name: access.name, sizeBytes: size, properties: rights };
}

export interface FileRights {
  mode: number;
  uid: number;
  gid: number;
  size: number;
}

export async function rightsOf(path: string): Promise<FileRights> {
  const { mode, uid, gid, size } = await stat(path);
  return { mode: mode & 0o7777, uid, gid, size };
}

function describe(access: Access, facts: FileFacts, { mode, uid, gid }: FileRights): DatabaseFacts {
  const { version, encoding, relations: _, entries: __, ...rest } = facts;
  return {
    ...nothingKnown,
    name: access.name,
    serverVersion: version,
    toolVersion: version,
    encoding,
    sizeBytes: facts.pageCount * facts.pageSize,
    properties: { ...rest, mode, uid, gid },
  };
}

const nothingKnown: DatabaseFacts = {
  engine: 'sqlite',
  name: '',
  serverVersion: '',
  toolVersion: '',
  via: 'host',
  encoding: '',
  collation: 'BINARY',
  collationVersion: null,
  sizeBytes: 0,
  // Nothing in a database belongs to anybody; whose the file is stands in the properties.
  owner: '',
  extensions: [],
  settings: [],
  roles: [],
  owners: [],
  policyRoles: [],
  properties: {},
};
