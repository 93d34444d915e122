import { mkdir } from 'node:fs/promises';
import { HoldfastError } from '../../base/errors.ts';
import type { Access } from './access.ts';
import { startTemporaryServer } from './temporary-server.ts';
import type { ToolFlavour } from './tool-version.ts';

/** A server of our own, as old as `like` or newer. The database is not created yet. */
export async function openTemporary(
  access: Access,
  like: { serverVersion: string },
  signal: AbortSignal,
): Promise<{ access: Access } & AsyncDisposable> {
  const { scratch } = access.context;
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const server = await startFitting(access.settings.database.engine, like.serverVersion, scratch, signal);
  const temporary = access.at({ ...server.address, database: access.address.database });
  return { access: temporary, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** The configuration may call either product by either name; the version tells them apart: MariaDB's begins at 10. */
async function startFitting(engine: ToolFlavour, version: string, parent: string, signal: AbortSignal) {
  const known = /^\d+\./.test(version);
  const flavour = known ? (Number.parseInt(version, 10) >= 10 ? 'mariadb' : 'mysql') : engine;
  if (version !== '' && !known) throw new HoldfastError('UNEXPECTED', 'the version of the saved server cannot be read');
  return startTemporaryServer({ flavour, version: known ? version : null, parent }, signal);
}
