import { HoldfastError } from '../../../base/errors.ts';
import { makeScratch } from '../../../base/scratch.ts';
import type { Access } from '../connect/access.ts';
import type { Properties } from '../look/facts.ts';
import { startTemporaryServer } from './temporary-server.ts';
import type { ToolFlavour } from '../connect/tool-version.ts';

/** A server of our own, as old as `like` or newer, which tells names apart as that one does. The database is not created yet. */
export async function openTemporary(
  access: Access,
  like: { serverVersion: string; properties?: Record<string, unknown> },
  signal: AbortSignal,
): Promise<{ access: Access } & AsyncDisposable> {
  const { scratch } = access.context;
  makeScratch(scratch);
  const server = await startTemporaryServer(
    { ...productOf(access.settings.database.engine, like.serverVersion), parent: scratch, settings: namesAs(like) },
    signal,
  );
  const temporary = access.at({ ...server.address, database: access.address.database });
  return { access: temporary, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

/** Triggers and views may call a table in other letters than those that it is kept in. */
function namesAs({ properties }: { properties?: Record<string, unknown> }): Record<string, string> {
  const { lowerCaseTableNames } = (properties ?? {}) as Partial<Properties>;
  return lowerCaseTableNames === 1 ? { 'lower-case-table-names': '1' } : {};
}

/** The configuration may call either product by either name; the version tells them apart: MariaDB's begins at 10. */
function productOf(engine: ToolFlavour, version: string): { flavour: ToolFlavour; version: string | null } {
  const known = /^\d+\./.test(version);
  if (version !== '' && !known) throw new HoldfastError('UNEXPECTED', 'the version of the saved server cannot be read');
  if (!known) return { flavour: engine, version: null };
  return { flavour: Number.parseInt(version, 10) >= 10 ? 'mariadb' : 'mysql', version };
}
