import { HoldfastError } from '../../../base/errors.ts';
import type { LoadOptions, StoredDump, TableName } from '../../engine.ts';
import type { Connection } from '../connect/connection.ts';
import { defaultRights, type DefaultRights } from '../look/default-rights.ts';
import { propertiesOf } from '../look/facts.ts';
import { keepPublications, lostPublications } from './publications.ts';
import { displayName } from '../connect/names.ts';
import { isOfSchema, planSchemas } from './schemas.ts';
import { emptyDatabase, emptyExtensionTables } from './statements.ts';
import { planTables } from './tables.ts';
import { publicAgain } from './public-schema.ts';
import type { Replacement } from './replacement.ts';
import { refuseOtherTypesOfMade } from './types.ts';
import { contentsOfScript } from '../read/script-tables.ts';
import { refuseOwnTransactions } from '../load/script-transactions.ts';
import { extensionData } from '../read/select-entries.ts';
import { endedFeeds, isOfSubscription, subscriptionsOfDump } from '../look/subscriptions.ts';
import { namesKeyTrigger, planSwitchedKeys } from '../look/switched-keys.ts';
import { largeObjectsLeft } from '../read/table-columns.ts';
import { createsPublic, subjectOf, type TocEntry } from '../read/toc.ts';

export async function planReplacement(
  session: Connection,
  everything: readonly TocEntry[],
  { scope, owners, facts }: Pick<LoadOptions, 'scope' | 'owners' | 'facts'>,
): Promise<Replacement> {
  const all = everything.filter((entry) => !namesKeyTrigger(entry));
  const switched = facts ? propertiesOf(facts).switchedKeys : [];
  // Without the privileges of the dump, those of the live database are what is wanted.
  const ordersIn = async (kept: readonly string[]) => (owners === 'none' ? noOrders : defaultRights(session, kept));
  if (scope === null) return planWhole(session, all, { facts: facts ?? null, ordersIn });
  const schemas = await planSchemas(session, all, scope.schemas);
  const single = scope.tables.filter((table) => !scope.schemas.includes(table.schema));
  const tables = await planTables(session, all, single, { schemas: scope.schemas, made: schemas.entries });
  const wanted = new Set([...schemas.entries, ...tables.entries]);
  const made = schemasOfMade(wanted);
  const rights = made.length === 0 ? noOrders : await ordersIn(made.filter((schema) => !schemas.anew.includes(schema)));
  const chosen = all.filter((entry) => wanted.has(entry));
  await refuseOtherTypesOfMade(session, all, chosen);
  const publications = await keepPublications(session, all, chosen, scope.schemas);
  const needsPublic = chosen.some(({ schema }) => schema === 'public') && !chosen.some(createsPublic);
  const again = needsPublic ? await publicAgain(session) : [];
  const keys = await planSwitchedKeys(session, switched, tablesOf(chosen));
  return {
    entries: attachLate(publications.entries),
    before: [...schemas.before, ...tables.before, ...rights.clear, ...again],
    after: [...schemas.after, ...tables.after, ...rights.putBack, ...publications.after, ...keys.after],
    warnings: [
      ...schemas.warnings,
      ...tables.warnings,
      ...publications.warnings,
      ...keys.warnings,
      ...largeObjectsLeft(all, publications.entries),
    ],
  };
}

/**
 * A partition joins a parent that is there already only when it has its own indexes, and those of its own partitions have joined them: otherwise
 * the server makes some, and the dump's come too late. Listed in another order, pg_restore follows the list.
 */
function attachLate(entries: readonly TocEntry[]): TocEntry[] {
  const tables = new Set(entries.filter((entry) => entry.kind === 'TABLE').map((entry) => entry.id));
  const isLate = ({ kind, needs }: TocEntry) =>
    attachments.includes(kind) && new Set(needs.filter((need) => tables.has(need))).size < 2;
  const late = entries.filter(isLate);
  const rest = entries.filter((entry) => !isLate(entry));
  const last = rest.findLastIndex((entry) => ['TABLE', 'CONSTRAINT', 'INDEX', ...attachments].includes(entry.kind));
  return [...rest.slice(0, last + 1), ...late, ...rest.slice(last + 1)];
}

const attachments = ['TABLE ATTACH', 'INDEX ATTACH'];

/** What a script restores around itself: it cannot be told to leave anything out. */
export async function planScript(
  session: Connection,
  dump: StoredDump,
  { facts }: Pick<LoadOptions, 'facts'>,
  signal: AbortSignal,
): Promise<Replacement> {
  const script = await contentsOfScript(await dump.open(signal));
  refuseOwnTransactions(script);
  const kept = (await keptSchemas(session)).map((each) => each.name);
  const anew = kept.filter((name) => name !== 'public' && script.schemas.includes(name));
  await refuseLostExtensions(session, anew, script.extensions);
  const names = kept.filter((name) => !anew.includes(name));
  const { clear, putBack } = await defaultRights(session, names);
  const keys = await planSwitchedKeys(session, facts ? propertiesOf(facts).switchedKeys : [], null);
  const needsPublic = hadPublic(facts) && !script.schemas.includes('public');
  const again = needsPublic ? await publicAgain(session) : [];
  return {
    entries: [],
    before: [...emptyDatabase(names), ...emptyExtensionTables(script.rows), ...clear, ...again],
    after: [...putBack, ...keys.after],
    warnings: [...(await endedFeeds(session, () => true)), ...keys.warnings],
  };
}

/** A schema that the script makes must not be there, so the extensions in it go as well: they must come back with the script. */
async function refuseLostExtensions(
  session: Connection,
  schemas: readonly string[],
  made: readonly string[],
): Promise<void> {
  const lost = await session.rows<{ name: string }>(
    `with recursive lost(oid) as (
       select e.oid from pg_catalog.pg_extension e join pg_catalog.pg_namespace n on n.oid = e.extnamespace where n.nspname = any ($1::text[])
       union select m.refobjid from pg_catalog.pg_depend d join pg_catalog.pg_namespace n on n.oid = d.refobjid
       join pg_catalog.pg_depend m on m.classid = d.classid and m.objid = d.objid and m.deptype = 'e'
       where d.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and n.nspname = any ($1::text[])
       union select d.objid from pg_catalog.pg_depend d join lost on d.refobjid = lost.oid
       where d.classid = 'pg_catalog.pg_extension'::pg_catalog.regclass and d.refclassid = d.classid)
     select e.extname as name from pg_catalog.pg_extension e join lost on lost.oid = e.oid where e.extname <> all ($2::text[]) order by 1`,
    [schemas, made],
  );
  if (lost.length === 0) return;
  const names = lost.map(({ name }) => displayName(name)).join(', ');
  throw new HoldfastError(
    'DEPENDENTS_OUTSIDE',
    `the extension${lost.length === 1 ? '' : 's'} ${names} would be lost with what the script makes anew`,
    { kind: 'refused', hint: 'Restore by swap, or with `--into` a new database.' },
  );
}

function tablesOf(entries: readonly TocEntry[]): TableName[] {
  return entries.filter(({ kind }) => kind === 'TABLE').map(({ schema, name }) => ({ schema: schema ?? '', name }));
}

function schemasOfMade(entries: Iterable<TocEntry>): string[] {
  const made = [...entries].filter(({ kind }) => kind !== 'TABLE DATA' && kind !== 'SEQUENCE SET');
  return [...new Set(made.flatMap(({ schema }) => schema ?? []))];
}

function hadPublic(facts: LoadOptions['facts']): boolean {
  return !facts || propertiesOf(facts).publicSchema;
}

const noOrders: DefaultRights = { clear: [], putBack: [] };

async function planWhole(
  session: Connection,
  all: readonly TocEntry[],
  { facts, ordersIn }: Pick<LoadOptions, 'facts'> & { ordersIn: (kept: readonly string[]) => Promise<DefaultRights> },
): Promise<Replacement> {
  const kept = await keptSchemas(session);
  const names = kept.map((each) => each.name);
  const { clear, putBack } = await ordersIn(names);
  // A dump with privileges brings the orders along, and that there are none.
  const hasRights = all.some(({ kind }) => kind === 'ACL' || kind === 'DEFAULT ACL');
  const foreign = kept.filter((each) => !each.mine).map((each) => each.name);
  const extensions = new Set(
    (await session.rows<{ name: string }>('select extname as name from pg_catalog.pg_extension')).map(
      (row) => row.name,
    ),
  );
  const keys = await planSwitchedKeys(session, facts ? propertiesOf(facts).switchedKeys : [], null);
  const needsPublic = hadPublic(facts) && !all.some(createsPublic);
  const again = needsPublic ? await publicAgain(session) : [];
  const entries = all.filter((entry) => {
    if (isOfSubscription(entry)) return false;
    if (isOfExtension(entry, extensions)) return false;
    if (!isOfSchema(entry, names)) return true;
    // Privileges and comment can be given again by whoever owns the schema, the schema itself is there.
    return entry.kind !== 'SCHEMA' && !isOfSchema(entry, foreign);
  });
  return {
    entries,
    before: [...emptyDatabase(names), ...emptyExtensionTables(extensionData(all)), ...clear, ...again],
    after: [...(hasRights ? [] : putBack), ...keys.after],
    warnings: [
      ...(await lostPublications(session, all)),
      ...(await endedFeeds(session, () => true)),
      ...(await subscriptionsOfDump(session, all)),
      ...keys.warnings,
    ],
  };
}

interface KeptSchema {
  name: string;
  /** The role may give it privileges. */
  mine: boolean;
}

/** `public`, and schemas in which an extension lives: dropping them would drop the extension and every column of its types. */
async function keptSchemas(session: Connection): Promise<KeptSchema[]> {
  return session.rows<KeptSchema>(`
    select n.nspname as name, pg_catalog.pg_has_role(n.nspowner, 'usage') as mine from pg_catalog.pg_namespace n
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and (n.nspname = 'public'
      or exists (select from pg_catalog.pg_extension e where e.extnamespace = n.oid)
      or exists (select from pg_catalog.pg_depend d where d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
        and d.objid = n.oid and d.deptype = 'e')
      or exists (select from pg_catalog.pg_depend m join pg_catalog.pg_depend d on d.classid = m.classid and d.objid = m.objid
        where m.refclassid = 'pg_catalog.pg_namespace'::pg_catalog.regclass and m.refobjid = n.oid and d.deptype = 'e'))
    order by 1`);
}

/** Extensions that are there stay as they are: their comments belong to whoever made them. */
function isOfExtension(entry: TocEntry, extensions: ReadonlySet<string>): boolean {
  const name = entry.kind === 'EXTENSION' ? entry.name : subjectOf(entry, 'EXTENSION');
  return name !== null && extensions.has(name);
}
