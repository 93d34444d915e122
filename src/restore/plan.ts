import type { StoredBackup } from '../archive/reader.ts';
import type { StagedTree } from '../apps/app.ts';
import {
  type Counts,
  type Database,
  type DatabaseFacts,
  type Leftover,
  type LoadOptions,
  type StoredDump,
  type TargetFacts,
} from '../engines/engine.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Storage } from '../storage/storage.ts';
import { databaseOf, family, readerOf, type Source } from '../care/source.ts';
import { sourceNotConfigured } from '../care/stock/unconfigured.ts';
import { guardsOfApp } from './app-guards.ts';
import { withConsequences } from './consequences.ts';
import { blocking, type Guard, type GuardFacts, type RestoreMode } from './guards.ts';
import { findExcluded, findLacking, nothingLeftOut, type LeftOut } from '../care/stock/left-out.ts';
import { refuseGuarded, refuseUnnamed, type Guarded } from './guarded.ts';
import { openDump, type BackupPlace } from './open-dump.ts';
import { expectedIn, findInDump, type Scope } from './scope.ts';
import { planTrees, treesOf, type TreesOfBackup } from './trees.ts';

/** What the operator asked for, before anything is looked at. */
export interface RestoreRequest {
  source: Source;
  from: BackupPlace | { file: string };
  /** A database name or address to restore into instead of the live database; null: the source's own database. */
  into: string | null;
  /** With `into`: only one that does not exist yet, or holds nothing. */
  onlyNew: boolean;
  /** What `into` must never reach. */
  guarded: Guarded;
  inPlace: boolean;
  /** Folders of the backup come back with the database. */
  files: boolean;
  /** Null: everything. */
  scope: Scope | null;
  owners: 'keep' | 'none';
  sessions: 'disconnect' | 'refuse';
  keepOld: boolean;
  safetyBackup: boolean;
  jobs: number | null;
  allowed: readonly string[];
}

export interface RestorePlan {
  mode: RestoreMode;
  /** The backup's id, or the file's path. */
  from: string;
  archive: StoredBackup | null;
  dump: StoredDump;
  /** The database that holds the data in the end. */
  target: Database;
  targetFacts: TargetFacts | null;
  /** Owner, encoding, locale, settings the restored database shall have. */
  like: DatabaseFacts;
  expected: Counts | null;
  load: LoadOptions;
  guards: Guard[];
  /** Folders that come back together with the database. */
  trees: readonly TreesOfBackup[];
  files: readonly StagedTree[];
  /** Something that lives is replaced: ask for its name. */
  destructive: boolean;
}

/** Looks at everything and touches nothing: what would happen, and which guards stand in the way. */
export async function planRestore(
  request: RestoreRequest,
  scratch: string,
  signal: AbortSignal,
  onFailure?: (storage: Storage, error: unknown) => Promise<void>,
): Promise<RestorePlan> {
  const { source, scope, owners, sessions, allowed } = request;
  refuseUnnamed(request.into);
  const mode = chooseMode(request);
  const look = async (stored: StoredBackup | null, content: StoredDump): Promise<Scope | null> => {
    // Who cannot read the backup hears it now, and not when the live database has been backed up.
    await stored?.unlock(signal);
    const reader = readerOf(source, stored?.manifest.database?.engine);
    if (mode === 'in-place' && !reader.capabilities.inPlace) throw wholeOnly(reader);
    return scope && findInDump(reader, content, scope, signal);
  };
  const { archive, dump, seen: compared } = await openDump(request, { scratch, signal, look, onFailure });
  const engine = archive?.manifest.database?.engine;
  const target = openTarget(source, request.into, engine);
  await target.halfSwap?.refuse(signal);
  const server = await target.server(signal);
  const targetFacts = await target.target(signal);
  if (request.into !== null) await refuseGuarded(request, target, targetFacts?.facts.name ?? null, signal);
  const backup = archive?.manifest.database ?? null;
  const foreignScript = dump.format === 'plain' && !dump.trusted;
  const accepted = archive?.manifest.imported?.superuser === true;
  const trees = archive && wantsTrees(request, mode) ? await treesOf(source, archive) : [];
  const files = await planTrees(trees, everyTree, signal);
  const replaces = mode !== 'new' && targetFacts !== null;
  const leftOut = replaces ? await findLeftOut(target, { archive, dump, scope: compared }, signal) : nothingLeftOut;
  const obstacles = await target.obstacles?.(
    { dump, mode, exists: targetFacts !== null, scope, owners, allowUnpatchedTools: allowed.includes('unpatched') },
    signal,
  );
  const inside = mode !== 'swap' && targetFacts !== null;
  const unproven = mode === 'new' && targetFacts !== null ? await findUnproven(target, signal) : null;
  const guardFacts: GuardFacts = {
    newer: 'file' in request.from ? null : (request.from.newer ?? null),
    obstacles: obstacles ?? [],
    consequences: [],
    inPlace: target.capabilities.inPlace,
    file: target.capabilities.file,
    mode,
    name: target.name,
    backup,
    server,
    target: targetFacts,
    unproven,
    owners,
    whole: scope === null,
    onlyNew: request.onlyNew,
    reserved: target.capabilities.reserved.includes(target.name),
    sessions,
    foreignScript,
    leftOut,
    keepsOld: mode === 'swap' && request.keepOld,
    foreignDump: dump.format !== 'plain' && !dump.trusted && !accepted,
    allowed,
  };
  const guards = await withConsequences(guardFacts, () =>
    target.consequences?.(dump, { scope: compared, owners, facts: backup, inside }, signal),
  );
  return {
    mode,
    from: archive?.manifest.id ?? (request.from as { file: string }).file,
    archive,
    dump,
    target,
    targetFacts,
    like: chooseLike(
      mode,
      targetFacts,
      backup,
      target,
      owners,
      backup ? null : await factsOf(databaseOf(source), signal),
    ),
    expected: backup && expectedIn(backup, compared),
    load: {
      scope,
      owners,
      policies: 'keep',
      jobs: request.jobs,
      allowForeignScript: allowed.includes('script'),
      allowUnpatchedTools: allowed.includes('unpatched'),
      allowSuperuser: accepted || allowed.includes('superuser'),
      facts: backup,
    },
    guards: [...guards, ...(await guardsOfApp(request, { mode, archive, target, targetFacts }, signal))],
    destructive: isDestructive(mode, targetFacts, files),
    trees,
    files,
  };
}

/** A database is marked from its making until it is proven: it belongs to whoever made it, however empty it is. */
export async function findUnproven(target: Database, signal: AbortSignal): Promise<Leftover | null> {
  return (await target.leftovers(signal)).find(({ database }) => database === target.name) ?? null;
}

async function findLeftOut(
  live: Database,
  { archive, dump, scope }: { archive: StoredBackup | null; dump: StoredDump; scope: Scope | null },
  signal: AbortSignal,
): Promise<LeftOut> {
  const { database = null, imported } = archive?.manifest ?? {};
  return database === null || imported
    ? findLacking(live, { dump, scope }, signal)
    : findExcluded(live, { backup: database, scope }, signal);
}

export function assertAllowed(plan: Pick<RestorePlan, 'guards'>): void {
  const blocks = blocking(plan.guards);
  if (blocks.length === 0) return;
  const reasons = blocks.map((guard) => `${guard.code}: ${guard.detail}`).join('; ');
  const overrides = blocks.map((guard) => guard.override).filter((override) => override !== null);
  throw new HoldfastError('RESTORE_REFUSED', `the restore was refused before anything was touched: ${reasons}`, {
    kind: 'refused',
    hint:
      overrides.length === blocks.length
        ? `If that is what you want, add ${overrides.map((override) => `\`${override}\``).join(' and ')}.`
        : 'Remove the cause, or restore beside it with `--into <new database>`.',
    details: { guards: plan.guards },
  });
}

function chooseMode({ into, inPlace, scope }: RestoreRequest): RestoreMode {
  if (into !== null && inPlace) {
    throw new HoldfastError('OPTIONS_CONFLICT', '--into and --in-place exclude one another', {
      kind: 'usage',
      hint: '`--into` fills another database, `--in-place` changes the live one.',
    });
  }
  if (into !== null) return 'new';
  // A part of a database cannot be swapped in: it replaces its counterpart in one transaction.
  return inPlace || scope !== null ? 'in-place' : 'swap';
}

function wholeOnly({ engine }: Database): HoldfastError {
  return new HoldfastError('WHOLE_ONLY', `databases of ${engine} are restored as a whole, not in parts or in place`, {
    kind: 'usage',
    hint: 'Restore it beside the live one with `--into <name>`, and copy over what you need.',
  });
}

/** A dump goes into a database of its own kind: the source's, or one that an address names. */
function openTarget(source: Source, into: string | null, engine: string | undefined): Database {
  if (into?.includes('://')) return readerOf(source, engine).at(into);
  if (source.found && engine !== undefined) throw sourceNotConfigured(source.name);
  const database = databaseOf(source);
  if (engine !== undefined && family(engine) !== family(database.engine)) {
    throw new HoldfastError(
      'ENGINE_DIFFERS',
      `the backup is of ${engine}, and the source's database is ${database.engine}`,
      {
        kind: 'refused',
        hint: `Restore it with \`--into\` and the address of a database of ${engine}.`,
      },
    );
  }
  return into === null ? database : database.named(into);
}

/** With the whole live database; beside it, nobody could say where the folders should go. */
function wantsTrees({ scope, from, files }: RestoreRequest, mode: RestoreMode): boolean {
  return files && mode !== 'new' && scope === null && !('file' in from);
}

const everyTree = { only: null, to: null };

/** Of a database that holds something, at least a part goes; whoever made it must have meant this one. */
function isDestructive(mode: RestoreMode, target: TargetFacts | null, files: readonly StagedTree[]): boolean {
  if (mode === 'new') return target !== null && target.relations > 0;
  return target !== null || files.some(({ replaces }) => replaces);
}

async function factsOf(database: Database, signal: AbortSignal): Promise<DatabaseFacts | null> {
  return (await database.target(signal))?.facts ?? null;
}

/** The original decides what the restored database is like; where there is none, the backup does. */
function chooseLike(
  mode: RestoreMode,
  target: TargetFacts | null,
  backup: DatabaseFacts | null,
  database: Database,
  owners: 'keep' | 'none',
  live: DatabaseFacts | null,
): DatabaseFacts {
  const like = backup ?? live;
  if (mode === 'swap' && target) {
    // The encoding is the dump's: data of one encoding in a database of another is how text gets lost without an error.
    const { encoding, collation, properties } =
      backup && backup.encoding !== target.facts.encoding ? backup : target.facts;
    return { ...target.facts, encoding, collation, properties: { ...target.facts.properties, ...properties } };
  }
  if (!like) {
    throw new HoldfastError('TARGET_UNKNOWN', `nothing tells what the database ${database.name} should be like`, {
      kind: 'refused',
      hint: 'Create it empty with the right owner, encoding and locale, then restore with `--into`.',
    });
  }
  return owners === 'none' ? { ...like, name: database.name, owner: '' } : { ...like, name: database.name };
}
