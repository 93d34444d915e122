import { isFromFuture } from '../../../base/clock.ts';
import { formatCount, formatDuration } from '../../../base/units.ts';
import type { Finding } from '../../alerts/finding.ts';
import { goodBackups, type SourceFacts } from '../facts.ts';
import { finding, wordsOf, type SourceRule } from './rule.ts';

export const copyRules: readonly SourceRule[] = [paidBack, everywhere, whole, readable, stillThere, withKeys, opened];

/** A copy that is being made is no news. */
const underWayMs = 3_600_000;

function paidBack({ name, storages, queue, settings }: SourceFacts, now: Date): Finding[] {
  return storages.flatMap((storage): Finding[] => {
    // Owed since the clock was ahead: for how long is not known, and must not be nothing.
    const age = ({ since }: { since: string }) =>
      isFromFuture(since, now) ? Infinity : now.getTime() - new Date(since).getTime();
    const owed = queue.filter((copy) => copy.storage === storage.name && (copy.attempts > 0 || age(copy) > underWayMs));
    const oldest = owed.toSorted((a, b) => age(b) - age(a))[0];
    if (!oldest) return [];
    const ageMs = age(oldest);
    const [value, since] = Number.isFinite(ageMs)
      ? [ageMs, `for ${formatDuration(ageMs)}`]
      : [null, `since ${oldest.since}, which is yet to come`];
    const why = owed.find(({ lastError }) => lastError !== null)?.lastError;
    return [
      finding('COPY_PENDING', {
        severity: ageMs > settings.lateCopyMs ? 'critical' : 'warning',
        source: name,
        storage: storage.name,
        value,
        threshold: settings.lateCopyMs,
        message: `${formatCount(owed.length, 'backup')} of ${name} ${owed.length === 1 ? 'has' : 'have'} not been copied to ${storage.name}, the oldest ${since}${why ? `: ${why.message} (${why.code})` : ''}`,
        meaning: 'These backups lie in fewer places than they should; it is tried again by itself.',
        hint: why?.hint ?? '`holdfast copy --pending --now` tries at once and says what is wrong.',
      }),
    ];
  });
}

/** Only the newest: older ones may have been thinned out differently in each storage. */
function everywhere(source: SourceFacts, now: Date): Finding[] {
  const { name, storages, copies, queue, settings, deleteLocalAfterCopy } = source;
  const newest = goodBackups(source, now).at(-1);
  if (!newest) return [];
  const ageMs = now.getTime() - newest.finishedAt.getTime();
  if (ageMs < underWayMs && source.running) return [];
  const isThere = (storage: string) =>
    copies.some(({ row }) => row.storage === storage && row.id === newest.id) ||
    queue.some((copy) => copy.storage === storage && copy.backup === newest.id);
  return storages
    .filter((place) => place.asked && !isThere(place.name) && !(place.local && deleteLocalAfterCopy))
    .map((place) =>
      finding('COPY_MISSING', {
        severity: ageMs > settings.lateCopyMs ? 'critical' : 'warning',
        source: name,
        storage: place.name,
        value: ageMs,
        threshold: settings.lateCopyMs,
        message: `the newest good backup of ${name} (${newest.id}) is not in ${place.name}, and nothing is on its way`,
        meaning: 'If its only place is lost, this backup is lost.',
        hint: `Run \`holdfast copy --all --to ${place.name} --source ${name}\`.`,
      }),
    );
}

/** What cannot be read is told by itself. */
const good: ReadonlySet<string> = new Set(['complete', 'unreadable']);

function whole({ name, storages, copies }: SourceFacts): Finding[] {
  return storages.flatMap((storage): Finding[] => {
    const bad = copies.filter(({ row }) => row.storage === storage.name && !good.has(row.state));
    const [first] = bad;
    if (!first) return [];
    const { row } = first;
    return [
      finding('BACKUP_DAMAGED', {
        severity: 'critical',
        source: name,
        storage: storage.name,
        value: bad.length,
        threshold: 0,
        message: `${formatCount(bad.length, 'backup')} of ${name} in ${storage.name} ${bad.length === 1 ? 'is' : 'are'} damaged: ${row.id} is ${row.state}${row.problem === null ? '' : `, ${row.problem}`}`,
        meaning: 'They cannot be restored from there. Something or somebody changed what was stored.',
        hint: `Check the others with \`holdfast verify --all --storage ${storage.name}\`. Where another storage has the backup whole, delete this copy and run \`holdfast copy <id> --to ${storage.name}\`.`,
      }),
    ];
  });
}

function readable({ name, storages, copies }: SourceFacts): Finding[] {
  return storages.flatMap((storage): Finding[] => {
    const unread = copies.filter(({ row }) => row.storage === storage.name && row.state === 'unreadable');
    const [first] = unread;
    if (!first) return [];
    return [
      finding('BACKUP_UNREADABLE', {
        severity: 'critical',
        source: name,
        storage: storage.name,
        value: unread.length,
        threshold: 0,
        message: `${formatCount(unread.length, 'backup')} of ${name} in ${storage.name} cannot be read from here: ${first.row.id}, ${first.row.problem ?? ''}`,
        meaning:
          'They cannot be restored from here as things are. Nothing says that they are damaged, and retention leaves them alone.',
        hint: `Upgrade Holdfast where a newer version made them; otherwise see why ${storage.name} does not give them out: rights, an archive class of the bucket, a failing disk. Delete none of them because of it.`,
      }),
    ];
  });
}

function stillThere({ name, storages }: SourceFacts): Finding[] {
  return storages
    .filter(({ vanished }) => vanished.length > 0)
    .map((storage) =>
      finding('BACKUPS_VANISHED', {
        severity: 'critical',
        source: name,
        storage: storage.name,
        value: storage.vanished.length,
        threshold: 0,
        message: `${formatCount(storage.vanished.length, 'backup')} of ${name} ${storage.vanished.length === 1 ? 'is' : 'are'} gone from ${storage.name}, and nothing here removed ${storage.vanished.length === 1 ? 'it' : 'them'}: ${storage.vanished.slice(-3).join(', ')}`,
        meaning:
          'Their disk is not mounted, or somebody removed them, or their manifest alone: then the rest still lies in their folders.',
        hint: `See whether the disk is mounted and who else deletes there. \`holdfast copy --all --to ${storage.name}\` brings back what another storage has; when the others are gone for good, \`holdfast rebuild\` accepts it.`,
      }),
    );
}

function withKeys({ name, storages }: SourceFacts): Finding[] {
  return storages
    .filter(({ missingKeys }) => missingKeys.length > 0)
    .map((storage) =>
      finding('KEY_FILE_MISSING', {
        severity: 'critical',
        source: name,
        storage: storage.name,
        value: storage.missingKeys.join(', '),
        message: `${storage.missingKeys.join(' and ')} of ${name} ${storage.missingKeys.length === 1 ? 'is' : 'are'} not in ${storage.name}`,
        meaning:
          'The backups there that were encrypted under it are whole, and cannot be opened without it, whatever passphrase is given.',
        hint: 'The next backup puts it back where this machine or another storage still has it; `holdfast backup` takes one now. Otherwise put it back from the recovery sheet. Delete no backup because of it, and find out who removed it.',
      }),
    );
}

function opened({ name, keyTrouble }: SourceFacts): Finding[] {
  if (keyTrouble === null) return [];
  return [
    finding('KEY_NOT_OPENED', {
      severity: 'critical',
      source: name,
      value: keyTrouble.code,
      message: `what is configured does not open the backups of ${name}: ${wordsOf(keyTrouble, 'KEY_NOT_OPENED')}`,
      meaning: 'They cannot be restored with it, and the next backup will fail.',
      hint: keyTrouble.hint ?? '`holdfast doctor` says it of each key file.',
    }),
  ];
}
