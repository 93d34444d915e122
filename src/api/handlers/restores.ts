import { allows } from '../../access/roles.ts';
import { openedBy } from '../../archive/keys/given-passphrase.ts';
import { Secret } from '../../base/secret.ts';
import type { Part } from '../../care/backup-facts.ts';
import { resolveBackup } from '../../care/stock/select.ts';
import { liveName, type Source } from '../../care/source.ts';
import { undoRestore } from '../../restore/undo.ts';
import type { RequestOf, Routes } from '../contract.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { askerOf, begun, grantOf, sourceFor, type ApiParts } from './parts.ts';
import { repeatable } from './repeat.ts';
import { assertConfirmed, restoringBases, restoringDatabase, restoringFiles, type Restoring } from './restoring.ts';

type Wanted = RequestOf<Routes['planRestore']>['body'];

export function restoreHandlers(parts: ApiParts): Pick<Handlers, 'planRestore' | 'restore' | 'undoRestore'> {
  const { house, work } = parts;
  return {
    planRestore: async (call) => {
      const restoring = await readRequest(parts, call, call.body);
      return restoring.plan(call.signal);
    },
    restore: async (call) => {
      // What is remembered of a wish with an Idempotency-Key must not help to guess the password.
      const { confirm: typed, password, ...wanted } = call.body;
      const restoring = await readRequest(parts, call, { ...wanted, password });
      const { trigger, asker } = askerOf(call);
      // The only source of whoever asks may be another one when a token of the same name asks again.
      const { name: source } = await sourceFor(parts, call, wanted.source, 'restore');
      const started = await repeatable(parts, call, { ...wanted, source }, () =>
        work.begin((run) => restoring.run({ ...run, trigger, typed }), asker),
      );
      return begun(parts, call, started, call.query.wait);
    },
    undoRestore: async (call) => {
      const { sessions, unfinished, allow, confirm } = call.body;
      const source = await sourceFor(parts, call, call.body.source, 'restore');
      const started = await work.begin(
        (run) =>
          undoRestore({
            ...house,
            ...run,
            source,
            sessions,
            unfinished,
            allowed: allow,
            confirm: async () => assertConfirmed(liveName(source), confirm),
          }),
        askerOf(call).asker,
      );
      return begun(parts, call, started, call.query.wait);
    },
  };
}

/** What these guard against would reach beyond the database. */
const reaching: ReadonlySet<string> = new Set(['unpatched', 'superuser']);

function neededFor(what: Wanted['what']): Part | null {
  if (what === 'schema' || what === 'records' || what === 'attachments') return 'app';
  return what === 'files' ? 'files' : null;
}

/** A live database is one for everybody; whose it is, only for whoever may see that source. */
function namedFor(call: Call): (source: Source) => Pick<Source, 'name' | 'database'> {
  return ({ name, database }) => ({ name: allows(grantOf(call), 'read', name) ? name : 'another source', database });
}

async function readRequest(parts: ApiParts, call: Call, wanted: Wanted): Promise<Restoring> {
  const { house } = parts;
  const { id, storage, source: name, password, what, keepOld, safetyBackup } = wanted;
  const { into, inPlace, tables, schemas, owners, sessions, jobs, allow } = wanted;
  const named = await sourceFor(parts, call, name, 'restore');
  // Another server, or a path of this machine, could be anybody's: whoever says so must be trusted with the configuration as well.
  const trusted = allows(grantOf(call), 'settings', null);
  if (into !== null && /[/\\]/.test(into) && !trusted) throw notAllowed('settings');
  if (allow.some((guard) => reaching.has(guard)) && !trusted) throw notAllowed('settings');
  const found = await resolveBackup({
    source: named,
    storage: storage === undefined ? null : house.storageOf(named, storage),
    id,
    needed: neededFor(what),
    catalog: house.catalog,
    signal: call.signal,
  });
  call.note({ target: found.id });
  const source =
    password === undefined ? named : { ...named, keys: openedBy(new Secret(password), named.keys, named.storages) };
  const from = {
    storage: found.storage,
    id: found.id,
    others: storage === undefined ? found.others : [],
    newer: found.newer,
  };
  if (what === 'schema' || what === 'records' || what === 'attachments') {
    const { bases, baseTables, skipExisting, intoBase, withAttachments } = wanted;
    return restoringBases(parts, {
      source,
      from,
      what,
      bases,
      tables: baseTables,
      skipExisting,
      intoBase,
      withAttachments,
    });
  }
  const scope = tables.length + schemas.length > 0 ? { tables, schemas } : null;
  const elsewhere = into !== null || inPlace || scope !== null;
  // Without a database, the folders are all there is to bring back.
  if (what === 'files' || (what === 'all' && source.database === null && !elsewhere)) {
    const only = wanted.trees.length > 0 ? wanted.trees : null;
    return restoringFiles(parts, { source, from, wanted: { only, to: null }, keepOld, safetyBackup });
  }
  const files = what === 'all';
  return restoringDatabase(parts, {
    source,
    from,
    into,
    onlyNew: !trusted,
    guarded: { sources: house.sources.map(namedFor(call)), folders: house.ownFolders },
    inPlace,
    files,
    scope,
    owners,
    sessions,
    keepOld,
    safetyBackup,
    jobs,
    allowed: allow,
  });
}
