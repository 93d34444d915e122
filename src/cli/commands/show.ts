import type { Manifest } from '../../archive/format/manifest.ts';
import { formatBytes, formatCount, formatDuration } from '../../base/units.ts';
import type { CopyRecord, ProofRecord } from '../../catalog/catalog.ts';
import type { Command, Io } from '../command.ts';
import { sharedFacts } from '../../care/backup-facts.ts';
import type { ListedBackup } from '../../care/stock/listing.ts';
import { renderFacts, sign, type Fact } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { plural, printable } from '../output/text.ts';
import { formatAge, formatTime } from '../output/time.ts';
import { pickBackup } from '../pick.ts';

export const show: Command = {
  name: 'show',
  summary: 'the facts, copies and proofs of one backup',
  group: 'look',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest` (default)', optional: true, complete: 'backup' }],
  goesOnWithoutState: true,
  examples: [
    { line: 'holdfast show', does: 'the newest backup' },
    { line: 'holdfast show 2026-11-20 --json | jq .manifest.database', does: 'its manifest' },
  ],
  run: async (context, input) => {
    const { io, clock, signal } = context;
    const { house, source, storage, id, row } = await pickBackup(context, input);
    const { listBackups } = await import('../../care/stock/listing.ts');
    const { readManifest } = await import('../../archive/format/read-manifest.ts');
    const { backups } = await listBackups(house, source, signal);
    const listed = backups.find((backup) => backup.id === id);
    // What cannot be read is still worth showing: where it lies and what is wrong with it.
    const manifest = row.state === 'complete' ? await readManifest(storage, source.name, id, signal) : null;
    const proofs = oncePerDrill(house.catalog.proofs.list({ source: source.name, backup: id }));
    const pending = house.catalog.copies
      .list({ source: source.name, backup: id })
      .filter(({ storage: where }) => listed?.copies[where] === 'pending');
    const drills = proofs.filter(({ kind }) => kind === 'drill');
    if (context.json) {
      printJson(io, {
        manifest,
        copies: listed?.copies ?? {},
        pending: pending.map(({ storage: where, attempts, since, nextAt, lastError }) => ({
          storage: where,
          attempts,
          since,
          nextAt,
          lastError,
        })),
        verified: listed?.verified ?? null,
        drills: drills.map(drillFacts),
      });
    } else {
      const shown = {
        listed,
        pending,
        proofs,
        problem: row.problem && `${row.state === 'unreadable' ? 'cannot be read here' : 'damaged'}: ${row.problem}`,
        hold: row.held,
        now: clock.now(),
        timezone: house.timezone,
      };
      print(io, ...describe(io, id, manifest, shown));
    }
    return row.state === 'complete' ? 'done' : 'integrity';
  },
};

/** Its result lies beside every copy. */
function oncePerDrill(proofs: readonly ProofRecord[]): ProofRecord[] {
  const isFirst = ({ kind, at }: ProofRecord, index: number) =>
    kind !== 'drill' || proofs.findIndex((other) => other.kind === kind && other.at === at) === index;
  return proofs.filter(isFirst);
}

function drillFacts({ at, ok, seconds, storage, result }: ProofRecord) {
  return { at, ok, seconds, storage, result };
}

interface Shown {
  listed: ListedBackup | undefined;
  pending: readonly CopyRecord[];
  proofs: readonly ProofRecord[];
  problem: string | null;
  hold: { at: string; reason: string | null } | null;
  now: Date;
  timezone: string;
}

function describe(io: Io, id: string, manifest: Manifest | null, shown: Shown): string[] {
  const style = styleFor(io.color);
  const { listed, pending, proofs, problem, hold, now, timezone } = shown;
  const copies = Object.entries(listed?.copies ?? {}).map(([storage, state]) => `${storage} ${state}`);
  const facts: Fact[] = [
    ['state', problem],
    ...(manifest ? manifestFacts(manifest, now, timezone) : []),
    ['copies', copies.join(', ')],
    ...pending.map((copy): Fact => [`to ${copy.storage}`, describePending(copy, timezone)]),
    ['held', hold && (hold.reason ?? 'yes')],
  ];
  return [
    `${style.bold(id)}  ${listed?.source ?? ''}`,
    ...renderFacts(io, facts, '  '),
    ...(manifest?.warnings ?? []).map((warning) => `  ${sign(style, 'warn')} ${printable(warning)}`),
    '',
    style.bold('Proofs'),
    ...(proofs.length === 0
      ? [`  ${sign(style, 'warn')} none yet; \`holdfast drill ${id}\` restores it for a try`]
      : proofs
          .slice(0, 10)
          .map(
            (proof) =>
              `  ${sign(style, proof.ok ? 'good' : 'bad')} ${proof.kind === 'drill' ? 'drill' : `verify ${proof.depth ?? ''}`.trim()}  ` +
              style.dim(
                `${formatAge(proof.at, now)}, ${formatDuration(proof.seconds * 1000)}, from ${printable(proof.storage)}`,
              ),
          )),
  ];
}

function describePending({ attempts, nextAt, lastError }: CopyRecord, timezone: string): string {
  const next = `next try ${formatTime(nextAt, timezone)} ${timezone}`;
  if (lastError === null) return `begun and not finished; ${next}`;
  return `failed ${attempts === 1 ? 'once' : `${attempts} times`}, ${next}: ${lastError.message} (${lastError.code})`;
}

function manifestFacts(manifest: Manifest, now: Date, timezone: string): Fact[] {
  const { database, artifacts } = manifest;
  const bytes = artifacts.reduce((sum, artifact) => sum + artifact.bytes, 0);
  const dump = artifacts.find(({ role }) => role === 'database');
  return [
    ['description', manifest.description],
    [
      'taken',
      `${formatTime(manifest.startedAt, timezone)} ${timezone} (${formatAge(manifest.startedAt, now)}), in ${formatDuration(manifest.durationMs)}`,
    ],
    ['by', `${manifest.trigger} on ${manifest.instance}, holdfast ${manifest.holdfast}`],
    ['safety for', manifest.safetyFor],
    ['size', `${formatBytes(bytes)} in ${plural(artifacts.length, 'file')}`],
    ['shared', describeShared(sharedFacts(artifacts))],
    ['format', dump ? [dump.format, dump.compression].filter(Boolean).join(', ') : null],
    ['encrypted', manifest.encryption && describeEncryption(manifest.encryption)],
    ...(database ? databaseFacts(database) : []),
    ...treeFacts(manifest.files),
    ['app', manifest.app && describeApp(manifest.app)],
  ];
}

function describeShared({ sharedBytes, addedBytes }: ReturnType<typeof sharedFacts>): string | null {
  if (sharedBytes === undefined) return null;
  return `${formatBytes(sharedBytes)} may be held by other backups, too; this one added ${formatBytes(addedBytes ?? 0)}`;
}

/** As the manifest has it, which may be that of a later version. */
function treeFacts(files: Manifest['files']): Fact[] {
  const trees = Array.isArray(files?.['trees']) ? (files['trees'] as Record<string, unknown>[]) : [];
  return trees.map((tree, index): Fact => {
    const [count, bytes] = [Number(tree['files'] ?? 0), Number(tree['bytes'] ?? 0)];
    const text = `${String(tree['name'])}: ${plural(count, 'file')}, ${formatBytes(bytes)}, from ${String(tree['path'])}`;
    return [index === 0 ? 'files' : '', text];
  });
}

function describeApp({ kind, version }: Record<string, unknown>): string {
  return [kind, version].filter((part) => typeof part === 'string').join(' ');
}

/** As the manifest has it, which may be that of a later version. */
function describeEncryption({ scheme, key, passphrase, recipients }: Record<string, unknown>): string {
  const people = Array.isArray(recipients) ? recipients.length : 0;
  const openers = [
    passphrase === true ? 'the passphrase' : null,
    people > 0 ? `the identity of ${people === 1 ? 'its recipient' : `one of ${people} recipients`}` : null,
  ].filter((opener) => opener !== null);
  const opens = openers.length === 0 ? '' : `, opens with ${openers.join(' or ')}`;
  return `${String(scheme)}, ${String(key)}${opens}`;
}

function databaseFacts(database: NonNullable<Manifest['database']>): Fact[] {
  const rows = database.tables.reduce((sum, table) => sum + (table.rows ?? 0), 0);
  const owner = database.owner === '' ? null : `owned by ${database.owner}`;
  return [
    ['database', [database.name, owner, `${formatBytes(database.sizeBytes)} live`].filter(Boolean).join(', ')],
    ['server', `${database.engine} ${database.serverVersion}, dumped by ${database.toolVersion} via ${database.via}`],
    ['locale', [database.encoding, database.collation, database.collationVersion].filter(Boolean).join(', ')],
    ['extensions', database.extensions.map(({ name, version }) => `${name} ${version}`).join(', ')],
    [
      'holds',
      `${plural(database.tables.length, 'table')}, ${formatCount(rows, 'row')}, ${plural(database.sequences.length, 'sequence')}`,
    ],
    ['snapshot', [database.snapshot.isolation, database.snapshot.lsn].filter(Boolean).join(', ')],
  ];
}
