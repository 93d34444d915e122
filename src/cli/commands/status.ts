import { formatBytes, formatDuration } from '../../base/units.ts';
import type { RunRecord } from '../../catalog/catalog.ts';
import type { House } from '../../house.ts';
import type { Source } from '../../care/source.ts';
import type { Command, CommandContext, Io } from '../command.ts';
import type { ListedBackup, Listing } from '../../care/stock/listing.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { hanging, plural, printable } from '../output/text.ts';
import { formatAge, formatTime } from '../output/time.ts';
import { sayUnreachable } from '../output/unreachable.ts';
import { pickSources } from '../pick.ts';
import { saysNothing } from '../../catalog/turned-away.ts';

export const status: Command = {
  name: 'status',
  summary: 'is all well: newest backup, last drill, last failure',
  group: 'look',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  goesOnWithoutState: true,
  examples: [{ line: 'holdfast status', does: 'one paragraph per source' }],
  run: async (context, input) => {
    const { io } = context;
    const { house, sources } = await pickSources(context, input);
    const ahead = await lookAhead(house);
    const states: SourceStatus[] = [];
    for (const source of sources) states.push(await statusOf(context, house, source, ahead));
    if (context.json)
      printJson(
        io,
        states.map(({ unreachable, ...state }) => ({
          ...state,
          unreachable: unreachable.map(({ storage }) => storage),
        })),
      );
    else
      print(
        io,
        ...states.flatMap((state) => describe(io, state, { now: context.clock.now(), timezone: house.timezone })),
      );
    for (const { unreachable } of states) sayUnreachable(io, unreachable);
    return states.some(({ unreachable }) => unreachable.length > 0) ? 'partial' : 'done';
  },
};

interface SourceStatus {
  source: string;
  /** The newest complete one that is no safety backup: those show a database somebody wanted to be rid of. */
  newest: ListedBackup | null;
  backups: number;
  damaged: number;
  /** Of which nothing says that they are damaged. */
  unreadable: number;
  bytes: number;
  drilled: { id: string; at: string; ok: boolean; seconds: number } | null;
  /** Copies that are owed, oldest backup first. */
  pending: { id: string; storage: string; since: string; attempts: number; nextAt: string }[];
  running: RunRecord[];
  /** The last run of all, when it failed. */
  failed: RunRecord | null;
  /** What a daemon does next for it, and whether there is one. */
  next: { backup: string | null; drill: string | null; verify: string | null; daemon: boolean };
  unreachable: Listing['unreachable'];
}

interface Ahead {
  daemon: boolean;
  /** By plan, as `backup/shop`. */
  times: ReadonlyMap<string, string>;
}

async function lookAhead(house: House): Promise<Ahead> {
  const { plansAhead } = await import('../../schedule/ahead.ts');
  const { daemonState } = await import('../../catalog/daemon-state.ts');
  const { plans, catalog, clock } = house;
  return {
    daemon: catalog.daemons.list().some((daemon) => daemonState(daemon, clock) === 'alive'),
    times: new Map(plansAhead(plans, house).map(({ plan, at }) => [plan.name, at.toISOString()])),
  };
}

/** Of each kind of work the newest run counts: that a drill went well does not make up for a backup that failed. */
function lastFailure({ catalog }: House, source: string): RunRecord | null {
  const kinds = ['backup', 'copy', 'prune', 'verify', 'drill', 'restore'] as const;
  for (const operation of kinds) {
    const newest = catalog.runs
      .list({ source, operation, limit: 20 })
      .find((run) => run.finishedAt !== null && !saysNothing(run));
    if (newest?.state === 'failed') return newest;
  }
  return null;
}

async function statusOf(
  { signal }: CommandContext,
  house: House,
  source: Source,
  { daemon, times }: Ahead,
): Promise<SourceStatus> {
  const { listBackups } = await import('../../care/stock/listing.ts');
  const { backups, unreachable } = await listBackups(house, source, signal);
  const [drill] = house.catalog.proofs.list({ source: source.name, kind: 'drill' });
  return {
    source: source.name,
    newest: backups.find(({ state, trigger }) => state === 'complete' && trigger !== 'safety') ?? null,
    backups: backups.length,
    damaged: backups.filter(({ state }) => state !== 'complete' && state !== 'unreadable').length,
    unreadable: backups.filter(({ state }) => state === 'unreadable').length,
    bytes: backups.reduce((sum, { bytes }) => sum + bytes, 0),
    drilled: drill ? { id: drill.backup, at: drill.at, ok: drill.ok, seconds: drill.seconds } : null,
    pending: house.catalog.copies
      .list({ source: source.name })
      .map(({ backup: id, storage, since, attempts, nextAt }) => ({ id, storage, since, attempts, nextAt })),
    running: house.catalog.runs.list({ source: source.name, state: 'running' }),
    failed: lastFailure(house, source.name),
    next: {
      backup: times.get(`backup/${source.name}`) ?? null,
      drill: times.get(`drill/${source.name}`) ?? null,
      verify: times.get(`verify/${source.name}`) ?? null,
      daemon,
    },
    unreachable,
  };
}

function describe(io: Io, state: SourceStatus, { now, timezone }: { now: Date; timezone: string }): string[] {
  const style = styleFor(io.color);
  const { newest, drilled, failed } = state;
  const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
  const say = (result: 'good' | 'warn' | 'bad', text: string) => hanging(`  ${sign(style, result)} `, text, columns);
  return [
    style.bold(state.source),
    ...(newest
      ? say('good', `newest backup ${formatAge(newest.createdAt, now)}: ${newest.id}, ${formatBytes(newest.bytes)}`)
      : say('bad', 'no complete backup; take one with `holdfast backup`')),
    ...(newest ? say(newest.verified?.ok ? 'good' : 'warn', describeVerified(newest, now)) : []),
    ...(drilled
      ? say(
          drilled.ok ? 'good' : 'bad',
          `drill ${drilled.ok ? 'passed' : 'failed'} ${formatAge(drilled.at, now)}: ${drilled.id}, recovery in ${formatDuration(drilled.seconds * 1000)}`,
        )
      : say('warn', 'never drilled; `holdfast drill` restores the newest backup for a try')),
    ...(state.damaged > 0 ? say('bad', `${plural(state.damaged, 'backup')} damaged; see \`holdfast list\``) : []),
    ...(state.unreadable > 0
      ? say('bad', `${plural(state.unreadable, 'backup')} cannot be read here; see \`holdfast list\``)
      : []),
    ...describePending(state, now).flatMap((text) => say('warn', text)),
    ...(failed?.error
      ? say(
          'bad',
          `the last ${failed.operation} failed ${formatAge(failed.startedAt, now)}: ${printable(failed.error.message)} (${failed.error.code}); \`holdfast logs ${failed.id}\``,
        )
      : []),
    ...state.running.flatMap((run) =>
      say('good', `${run.operation} runs since ${formatAge(run.startedAt, now)}: ${run.id}`),
    ),
    ...describeAhead(state, now, timezone).flatMap(([result, text]) => say(result, text)),
    style.dim(`    ${plural(state.backups, 'backup')}, ${formatBytes(state.bytes)}`),
  ];
}

function describeAhead({ next, running }: SourceStatus, now: Date, timezone: string): ['good' | 'warn', string][] {
  const { backup, drill, daemon } = next;
  if (backup === null) return [];
  const busy = running.some(({ operation }) => operation === 'backup');
  const at = new Date(backup) <= now ? (busy ? 'runs' : 'is due now') : formatTime(backup, timezone);
  const also = drill === null || new Date(drill) <= now ? '' : `, next drill ${formatTime(drill, timezone)}`;
  if (daemon) return [['good', `next backup ${at}${also} (${timezone})`]];
  return [['warn', `next backup ${at} (${timezone}), but nothing does it; start \`holdfast serve\``]];
}

function describePending({ pending }: SourceStatus, now: Date): string[] {
  return [...Map.groupBy(pending, ({ storage }) => storage)].map(([storage, copies]) => {
    const since = copies.map((copy) => copy.since).toSorted()[0] ?? '';
    return `${plural(copies.length, 'backup')} not copied to ${storage} yet, since ${formatAge(since, now)}; \`holdfast copy --pending --now\``;
  });
}

function describeVerified({ verified }: ListedBackup, now: Date): string {
  if (!verified) return 'not verified here yet';
  return `${verified.ok ? 'verified' : 'found damaged'} (${verified.depth}) ${formatAge(verified.at, now)}`;
}
