import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openArchive } from '../archive/reader.ts';
import { backup } from '../backup/backup.ts';
import type { Clock } from '../base/clock.ts';
import { HoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import { step, type Report } from '../base/progress.ts';
import { formatCount } from '../base/units.ts';
import { compareCounts, describeMismatches, type Comparison } from '../care/proof/compare.ts';
import { drill } from '../care/proof/drill.ts';
import { databaseOf } from '../care/source.ts';
import { loadConfig } from '../config/load.ts';
import type { House } from '../house.ts';
import { restore } from '../restore/restore.ts';
import { openHouse } from '../wiring.ts';
import { chooseStage } from './choose-stage.ts';
import type { Stage } from './stage.ts';

export interface DemoTask {
  /** Leave configuration and backups behind, to play with. */
  keep: boolean;
  clock: Clock;
  logger: Logger;
  signal: AbortSignal;
  report: Report;
  /** A part of the tour begins. */
  chapter(title: string): void;
  line(text: string): void;
}

export interface DemoResult {
  ok: boolean;
  /** What the tour was made with: the first where it is installed. */
  engine: 'postgres' | 'sqlite';
  /** From the first step to the last, cleaning up not included. */
  seconds: number;
  backup: string;
  tables: number;
  rows: number;
  fingerprints: number;
  /** The measured recovery time of the drill. */
  recoverySeconds: number;
  /** The folder that was kept, with its configuration. */
  kept: { folder: string; config: string } | null;
}

/** A database, a backup, a drill, an accident, a restore, and the proof; with the same recipes as the commands. */
export async function demo(task: DemoTask): Promise<DemoResult> {
  const { clock, report, signal, chapter } = task;
  const started = clock.monotonic();
  await using place = await openPlace(task.keep);

  const planned = await chooseStage(signal);
  chapter(planned.chapter);
  if (planned.note !== null) task.line(planned.note);
  await using stage = await planned.prepare({ folder: place.folder, report, signal });
  await step(report, 'shop', () => fillShop(stage, signal), describeShop);
  const before = await lookAtShop(stage, signal);
  for (const { name, value } of before) task.line(`${name}: ${value}`);
  await using house = await openDemoHouse(place, stage, task);

  const source = await house.source(undefined, signal);
  chapter('holdfast backup');
  const taken = await backup({
    ...common(house, task),
    source,
    trigger: 'manual',
    description: 'before the accident',
  });
  chapter('holdfast drill');
  const rehearsed = await drill({
    ...common(house, task),
    source,
    storage: house.storageOf(source),
    id: taken.id,
  });
  if (!rehearsed.ok) throw failed('the drill found differences');

  chapter('The accident');
  await haveAccidents(stage, task);
  showChanges(before, await lookAtShop(stage, signal), task);

  chapter(`holdfast restore ${taken.id}`);
  await bringBack(house, taken.id, task);

  chapter('The proof');
  const proof = await step(report, 'compare', () => compareWithBackup(house, taken.id, task), describeProof);
  if (!proof.ok) throw failed(describeMismatches(proof));
  const after = await lookAtShop(stage, signal);
  showChanges(before, after, task);
  if (JSON.stringify(after) !== JSON.stringify(before))
    throw failed('the shop does not look as it did before the accident');

  return {
    ok: true,
    engine: planned.engine,
    seconds: (clock.monotonic() - started) / 1000,
    backup: taken.id,
    tables: proof.tables.compared,
    rows: proof.tables.rows,
    fingerprints: proof.tables.fingerprints,
    recoverySeconds: rehearsed.seconds,
    kept: place.keep(),
  };
}

interface Place extends AsyncDisposable {
  folder: string;
  config: string;
  /** Called when everything went well: only a whole demo is worth keeping. */
  keep(): DemoResult['kept'];
}

async function openPlace(wanted: boolean): Promise<Place> {
  const folder = await mkdtemp(join(tmpdir(), 'holdfast-demo-'));
  const config = join(folder, 'holdfast.yaml');
  let kept = false;
  return {
    folder,
    config,
    keep: () => {
      kept = wanted;
      return wanted ? { folder, config } : null;
    },
    [Symbol.asyncDispose]: async () => {
      if (!kept) await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A configuration file as an operator writes it, read as any other. */
async function openDemoHouse(place: Place, stage: Stage, task: DemoTask): Promise<House> {
  const text = `# Written by holdfast demo.
state: ./state
sources:
  shop:
    database: ${stage.config}
    dump: { fingerprints: true }
    drill: { checks: ["select count(*) > 0 from orders", "select min(price) > 0 from products"] }
storages:
  local: { type: local, path: ./backups }
`;
  await writeFile(place.config, text, { mode: 0o600 });
  const loaded = await loadConfig({ path: place.config, env: {}, cwd: place.folder });
  return openHouse(loaded, { clock: task.clock, logger: task.logger });
}

function common(house: House, { signal, report }: DemoTask) {
  const { catalog, clock, instance, version, timezone, scratch } = house;
  return { catalog, clock, instance, version, timezone, scratch, signal, report };
}

async function fillShop({ shop, open }: Stage, signal: AbortSignal): Promise<number> {
  await using session = await open(signal);
  await shop.fill((sql) => session.run(sql));
  return Number(await session.value(shop.rowCount));
}

interface Look {
  name: string;
  value: string;
}

async function lookAtShop({ shop, open }: Stage, signal: AbortSignal): Promise<Look[]> {
  await using session = await open(signal);
  const seen: Look[] = [];
  for (const { name, sql } of shop.facts) {
    // After the accident a whole table is gone.
    const value = await session.value(sql).catch((error: unknown) => {
      if (signal.aborted) throw error;
      return 'gone';
    });
    seen.push({ name, value: value ?? 'none' });
  }
  return seen;
}

async function haveAccidents({ shop, open }: Stage, { signal, line }: DemoTask): Promise<void> {
  await using session = await open(signal);
  for (const { sql, told } of shop.accidents) {
    await session.run(sql);
    line(`${sql};  -- ${told}`);
  }
}

function showChanges(before: readonly Look[], now: readonly Look[], { line }: DemoTask): void {
  for (const [at, { name, value }] of now.entries()) {
    const was = before[at]?.value;
    line(was === value ? `${name}: ${value}` : `${name}: ${value}  (was ${was})`);
  }
}

async function bringBack(house: House, id: string, task: DemoTask): Promise<void> {
  const source = await house.source(undefined, task.signal);
  await restore({
    ...common(house, task),
    request: {
      source,
      from: { storage: house.storageOf(source), id },
      into: null,
      onlyNew: false,
      guarded: { sources: [], folders: [] },
      inPlace: false,
      files: true,
      scope: null,
      owners: 'keep',
      sessions: 'disconnect',
      keepOld: false,
      safetyBackup: true,
      jobs: null,
      allowed: [],
    },
    confirm: () => {
      task.line('(the command asks for the name of the database here)');
      return Promise.resolve();
    },
  });
}

/** The live database against what was counted, and fingerprinted, in the snapshot of the dump. */
async function compareWithBackup(house: House, id: string, { signal }: DemoTask): Promise<Comparison> {
  const source = await house.source(undefined, signal);
  const storage = house.storageOf(source);
  const { manifest } = await openArchive({
    storage,
    source: source.name,
    id,
    keys: source.keys,
    scratch: house.scratch,
    signal,
  });
  if (!manifest.database) throw failed('the backup holds no database');
  const live = await databaseOf(source).count({ tables: null, sequences: true, fingerprints: true }, signal);
  return compareCounts(manifest.database, live);
}

function describeShop(rows: number): string {
  return `${formatCount(rows)} rows`;
}

function describeProof({ ok, tables, sequences }: Comparison): string {
  const rows = `${formatCount(tables.rows)} rows in ${tables.compared} tables`;
  return ok
    ? `${rows}: all equal, by content; ${sequences.compared} sequences where they were`
    : 'there are differences';
}

function failed(why: string): HoldfastError {
  return new HoldfastError('DEMO_FAILED', `the demo did not end as it should: ${why}`, {
    kind: 'integrity',
    hint: 'This must never happen: please report it, with the output of `holdfast demo --debug`.',
  });
}
