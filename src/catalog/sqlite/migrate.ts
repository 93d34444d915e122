import { HoldfastError } from '../../base/errors.ts';
import type { Connection } from './connection.ts';
import { first } from './migrations/001-first.ts';
import { copies } from './migrations/002-copies.ts';
import { keys } from './migrations/003-keys.ts';
import { watch } from './migrations/004-watch.ts';
import { cancel } from './migrations/005-cancel.ts';
import { figures } from './migrations/006-figures.ts';
import { access } from './migrations/007-access.ts';
import { parts } from './migrations/008-parts.ts';
import { audit } from './migrations/009-audit.ts';
import { turnedAwayRuns } from './migrations/010-turned-away.ts';
import { cancelledRuns } from './migrations/011-cancelled.ts';
import { runsByKind } from './migrations/012-runs-by-kind.ts';

/** In order and never changed once released; the schema's version is how many of them were applied. */
const migrations: readonly string[] = [
  first,
  copies,
  keys,
  watch,
  cancel,
  figures,
  access,
  parts,
  audit,
  turnedAwayRuns,
  cancelledRuns,
  runsByKind,
];

/** Brings the schema up to date. Safe when several processes start at once: the first one does it, the others find it done. */
export function migrate(connection: Connection, path: string): void {
  if (assertKnown(schemaVersion(connection), path) === migrations.length) return;
  connection.transaction(() => {
    const from = assertKnown(schemaVersion(connection), path);
    for (const sql of migrations.slice(from)) connection.script(sql);
    connection.script(`pragma user_version = ${migrations.length}`);
  });
}

function schemaVersion(connection: Connection): number {
  return Number(connection.get('pragma user_version')?.['user_version'] ?? 0);
}

function assertKnown(version: number, path: string): number {
  if (version <= migrations.length) return version;
  throw new HoldfastError('CATALOG_NEWER', `the catalog ${path} was written by a newer holdfast (schema ${version})`, {
    kind: 'usage',
    hint: 'Use that version, or point `state` to another folder and run `holdfast rebuild` there.',
    details: { schema: version, known: migrations.length },
  });
}
