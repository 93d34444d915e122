import type { Clock } from '../../base/clock.ts';
import type { Catalog, Operation, RunRecord } from '../../catalog/catalog.ts';
import { daemonState } from '../../catalog/daemon-state.ts';
import type { Storage } from '../../storage/storage.ts';
import { standings } from '../stock/proofs.ts';
import { titleOf, type Source } from '../source.ts';
import { vanishedFrom } from '../stock/vanished.ts';
import { askDatabases } from './ask-databases.ts';
import { askStorage, type Answer } from './ask-storage.ts';
import type { DatabaseFacts, Facts, InstallationFacts, SourceFacts, Trouble } from './facts.ts';
import type { MonitorRules, SourceSchedule } from './settings.ts';
import { troubleOf } from './trouble.ts';
import { tryKeys } from './try-keys.ts';
import { patiently } from '../../catalog/patiently.ts';
import { saysNothing } from '../../catalog/turned-away.ts';

export interface GatherTask {
  readonly sources: readonly Source[];
  readonly storages: readonly Storage[];
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly rules: MonitorRules;
  readonly schedules: readonly SourceSchedule[];
  /** Where the state is, for people. */
  readonly state: string;
  readonly signal: AbortSignal;
}

/** Asks everything at once; whoever does not answer in time is a fact, and keeps nobody waiting longer than that. */
export async function gatherFacts(task: GatherTask): Promise<Facts> {
  const { sources, storages, rules, clock } = task;
  const [answers, databases] = await Promise.all([
    Promise.all(storages.map((storage) => askStorage(storage, { ...task, timeoutMs: rules.timeoutMs }))),
    askDatabases(sources, { ...task, timeoutMs: rules.timeoutMs }),
  ]);
  const keys = await tryKeys(sources, { ...task, timeoutMs: rules.timeoutMs });
  const byStorage = new Map(answers.map((answer) => [answer.facts.name, answer]));
  return {
    now: clock.now(),
    storages: answers.map(({ facts }) => facts),
    sources: sources.map((source) => ({
      ...sourceFacts(source, task, byStorage, databases),
      keyTrouble: keys.get(source.name) ?? null,
    })),
    installation: await installationFacts(task),
  };
}

function sourceFacts(
  source: Source,
  { catalog, rules, schedules }: GatherTask,
  answers: ReadonlyMap<string, Answer>,
  databases: ReadonlyMap<string, DatabaseFacts>,
): Omit<SourceFacts, 'keyTrouble'> {
  const { name } = source;
  const proofs = catalog.proofs.list({ source: name });
  const standing = standings(proofs);
  const rows = source.storages.flatMap((storage) => {
    const fresh = answers.get(storage.name)?.rows.get(name);
    return fresh ?? catalog.backups.list(storage.name, name);
  });
  return {
    name,
    settings: rules.of(name),
    schedule: schedules.find((schedule) => schedule.source === name) ?? null,
    storages: source.storages.map((storage) => ({
      name: storage.name,
      local: storage.localPath('probe') !== null,
      asked: answers.get(storage.name)?.rows.has(name) ?? false,
      missingKeys: answers.get(storage.name)?.missingKeys.get(name) ?? [],
      // Of a folder that is not there, that is the finding.
      vanished: answers.get(storage.name)?.facts.missing
        ? []
        : vanishedFrom(catalog, { storage: storage.name, source: name }),
    })),
    deleteLocalAfterCopy: source.deleteLocalAfterCopy,
    copies: rows.map((row) => ({ row, ok: standing(row).ok })),
    proofs,
    queue: catalog.copies.list({ source: name }),
    lastRun: {
      backup: lastEnded(catalog, name, 'backup'),
      prune: lastEnded(catalog, name, 'prune'),
      drill: lastEnded(catalog, name, 'drill'),
    },
    running: catalog.runs.list({ source: name, state: 'running' }).some(({ operation }) => operation === 'backup'),
    database: databases.get(name) ?? { title: titleOf(source), unreachable: null, clockAheadMs: null },
  };
}

function lastEnded(catalog: Catalog, source: string, operation: Operation): RunRecord | null {
  const runs = catalog.runs.list({ source, operation, limit: 20 });
  return runs.find((run) => run.finishedAt !== null && !saysNothing(run)) ?? null;
}

async function installationFacts({ catalog, clock, schedules, state, signal }: GatherTask): Promise<InstallationFacts> {
  const scheduled = schedules.filter(({ planned }) => planned).length;
  const daemons = catalog.daemons.list();
  const states = daemons.map((daemon) => daemonState(daemon, clock));
  return {
    state,
    stateTrouble: await troubleWith(patiently(catalog, () => catalog.probe(), { signal })),
    scheduled,
    daemon: states.includes('alive') ? 'alive' : (states[0] ?? null),
  };
}

async function troubleWith(work: Promise<void>): Promise<Trouble | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return troubleOf(error);
  }
}
