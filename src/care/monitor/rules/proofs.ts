import { isFromFuture } from '../../../base/clock.ts';
import { formatCount, formatDuration } from '../../../base/units.ts';
import type { ProofRecord } from '../../../catalog/catalog.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, type SourceFacts } from '../facts.ts';
import { finding, type SourceRule } from './rule.ts';

export const proofRules: readonly SourceRule[] = [verified, verifiedLately, drilled, drilledLately];

const dayMs = 86_400_000;

function verified({ name, storages, copies, proofs }: SourceFacts): Finding[] {
  return storages.flatMap((storage): Finding[] => {
    const there = new Set(copies.flatMap(({ row }) => (row.storage === storage.name ? [row.id] : [])));
    const newest = new Map<string, ProofRecord>();
    for (const proof of proofs) {
      if (proof.kind !== 'verify' || proof.storage !== storage.name || !there.has(proof.backup)) continue;
      const other = newest.get(proof.backup);
      if (!other || proof.at > other.at) newest.set(proof.backup, proof);
    }
    const failed = [...newest.values()].filter(({ ok }) => !ok).map(({ backup }) => backup);
    if (failed.length === 0) return [];
    return [
      finding('VERIFY_FAILED', {
        severity: 'critical',
        source: name,
        storage: storage.name,
        value: failed.length,
        threshold: 0,
        message: `${formatCount(failed.length, 'backup')} of ${name} in ${storage.name} did not pass ${failed.length === 1 ? 'its' : 'their'} verification: ${failed.toSorted().slice(-3).join(', ')}${failed.length > 3 ? ', ...' : ''}`,
        meaning: 'What lies there is not what was written, and is no longer counted as a backup.',
        hint: `See what is wrong with \`holdfast verify <id> --storage ${storage.name}\`. Where another storage has the backup whole, delete this copy and copy it again.`,
      }),
    ];
  });
}

function verifiedLately(source: SourceFacts, now: Date): Finding[] {
  return stale(source, now, {
    kind: 'verify',
    limitMs: source.settings.staleVerifyMs,
    code: 'VERIFY_STALE',
    said: (ever, since) => `no backup of ${source.name} has ${ever}been verified${since}`,
    meaning: 'Damage that crept into the storage since would not have been noticed.',
    hint: 'Run `holdfast verify`, or plan it with `verify` at the source.',
  });
}

function drilledLately(source: SourceFacts, now: Date): Finding[] {
  const { settings, schedule } = source;
  return stale(source, now, {
    kind: 'drill',
    limitMs: settings.staleDrillMs,
    // Who rehearses once a quarter need not hear of it every fortnight.
    planned: () => schedule?.drillEveryMs ?? null,
    code: 'DRILL_STALE',
    said: (ever, since) => `no drill of ${source.name} has ${ever}passed${since}`,
    meaning: 'That a backup can be restored, and how long that takes, is not proven for the database as it is now.',
    hint: 'Run `holdfast drill`, or plan it with `drill.every` at the source.',
  });
}

interface Staleness {
  kind: 'verify' | 'drill';
  limitMs: number | null;
  /** The distance between two planned ones. */
  planned?: () => number | null;
  code: 'VERIFY_STALE' | 'DRILL_STALE';
  said: (ever: string, since: string) => string;
  meaning: string;
  hint: string;
}

function stale(source: SourceFacts, now: Date, what: Staleness): Finding[] {
  const { kind, limitMs, code, said, meaning, hint } = what;
  const passed = source.proofs
    .filter((proof) => proof.kind === kind && proof.ok && !isFromFuture(proof.at, now))
    .map(({ at }) => new Date(at).getTime());
  const never = passed.length === 0;
  // Never: for as long as there has been something to look at.
  const since = never ? goodBackups(source, now)[0]?.at.getTime() : Math.max(...passed);
  if (limitMs === null || since === undefined) return [];
  const ageMs = now.getTime() - since;
  if (ageMs <= limitMs) return [];
  const everyMs = what.planned?.() ?? null;
  const threshold = everyMs === null ? limitMs : Math.max(limitMs, everyMs + dayMs);
  if (ageMs <= threshold) return [];
  const age = formatDuration(ageMs);
  const message = never ? said('ever ', `, and there are backups for ${age}`) : said('', ` for ${age}`);
  return [
    finding(code, {
      severity: 'warning',
      source: source.name,
      value: ageMs,
      threshold,
      message,
      meaning,
      hint,
    }),
  ];
}

/** A drill that found a difference, or could not come to its end. */
function drilled({ name, proofs, lastRun }: SourceFacts, now: Date): Finding[] {
  const run = lastRun.drill;
  const drills = proofs.filter(({ kind }) => kind === 'drill').toSorted((a, b) => (a.at < b.at ? 1 : -1));
  // What a clock that was ahead wrote is the last only as long as nothing was drilled since.
  const isSuperseded = ({ at }: { at: string }) =>
    isFromFuture(at, now) && run !== null && !isFromFuture(run.startedAt, now);
  const proof = drills.find((each) => !isSuperseded(each));
  const byProof = proof?.ok === false ? `the last drill of ${name} failed: ${proof.backup} in ${proof.storage}` : null;
  const later = run !== null && (!proof || run.startedAt > proof.at);
  const byRun =
    later && run.state === 'failed' && run.error !== null
      ? `the last drill of ${name} did not come to its end: ${run.error.message} (${run.error.code})`
      : null;
  const message = byRun ?? byProof;
  if (message === null) return [];
  return [
    finding('DRILL_FAILED', {
      severity: 'critical',
      source: name,
      message,
      meaning: 'A restore of the live database might end like this drill did.',
      hint:
        (byRun === null ? null : run?.error?.hint) ??
        '`holdfast runs` and `holdfast logs <run>` tell what differed; drill another backup, and take a new one.',
    }),
  ];
}
