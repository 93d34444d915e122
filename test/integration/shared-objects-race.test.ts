import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectObjects } from '../../src/archive/objects/collect-objects.ts';
import { copyBackup } from '../../src/archive/copy.ts';
import { noKeys } from '../../src/archive/keys/keys.ts';
import type { Artifact, ManifestDraft } from '../../src/archive/format/manifest.ts';
import { removeBackup } from '../../src/archive/remove.ts';
import { openBackup } from '../../src/archive/writer.ts';
import { compareBackupIds, parseBackupId } from '../../src/base/ids.ts';
import { forward, forwardStage } from '../../src/storage/forward.ts';
import { localStorage } from '../../src/storage/local/local.ts';
import type { Storage } from '../../src/storage/storage.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { partOf } from '../support/shared-part.ts';

const source = 'shop';
const { signal } = new AbortController();
const report = () => undefined;
const contents = ['a', 'b', 'c', 'd', 'e'];

/**
 * Writers, copiers, removers and collectors, each on a machine of its own: nothing but the storage is between them. Every call to a
 * storage is a step; a seeded scheduler says whose comes next, and any of them may die between two steps. After each step, whatever a
 * manifest names is there.
 */
test.each(Array.from({ length: 12 }, (_, seed) => seed + 1))(
  'no manifest ever loses an object, whoever writes, copies, removes, collects or dies (%d)',
  { timeout: 120_000 },
  async (seed) => {
    await using folder = await temporaryFolder();
    const random = randomFrom(seed);
    const places = [
      localStorage('one', { type: 'local', path: join(folder.path, 'one') }),
      localStorage('two', { type: 'local', path: join(folder.path, 'two') }),
    ];
    const [one, two] = places as [Storage, Storage];
    const field = new Field();
    const clock = { seconds: 0 };

    const write = async (storage: Storage) => {
      clock.seconds += 1;
      const startedAt = new Date(Date.UTC(2026, 10, 20, 5, 0, clock.seconds));
      await using writer = await openBackup({
        storage,
        source,
        startedAt,
        keys: noKeys,
        scratch: join(folder.path, 'scratch'),
        share: 'yes',
        signal,
      });
      const artifacts: Artifact[] = [];
      for (const content of contents.filter(() => random() < 0.8))
        artifacts.push(...(await writer.add(partOf(content, artifacts.length), { signal, report })));
      await writer.seal(draftOf(writer.id, startedAt, artifacts), signal);
    };
    const remove = async (storage: Storage) => {
      const ids = await idsIn(storage);
      // Nearly all of them: what a writer relies on shall often be what nobody else needs any more.
      for (const id of ids) if (random() < 0.9) await removeBackup(storage, source, id, signal);
    };
    const collect = async (storage: Storage) => {
      await collectObjects({ storage, source, olderThanMs: -60_000, graceMs: -60_000, signal });
      await collectObjects({ storage, source, olderThanMs: -60_000, graceMs: -60_000, signal });
    };
    const copy = async (from: Storage, to: Storage) => {
      const ids = await idsIn(from);
      const id = ids[Math.floor(random() * ids.length)];
      if (id !== undefined) await copyBackup({ from, to, source, id, replace: 'nothing', signal, report });
    };

    const copyNewest = async (from: Storage, to: Storage) => {
      const id = (await idsIn(from)).toSorted(compareBackupIds).at(-1) ?? '';
      await copyBackup({ from, to, source, id, replace: 'nothing', signal, report });
    };

    let moments = 0;
    for (let round = 0; round < 6; round += 1) {
      // Something that all of them can rely on, and whose only manifest may go at any moment.
      await write(one);
      await copyNewest(one, two);
      const works: ((storages: readonly Storage[]) => Promise<void>)[] = [
        ([at]) => write(at as Storage),
        ([at]) => write(at as Storage),
        async ([at]) => {
          await remove(at as Storage);
          await collect(at as Storage);
        },
        ([from, to]) => copy(from as Storage, to as Storage),
        async ([, at]) => {
          await remove(at as Storage);
          await collect(at as Storage);
        },
        // Whoever comes a day later takes for dead who only stood still.
        async ([at]) => clearUp(at as Storage),
      ];
      for (const work of works)
        if (random() < 0.8) field.join(work, [one, two], random() < 0.06 ? Math.floor(random() * 30) : null);
      moments += await field.play(random, async () => {
        for (const place of ['one', 'two']) await assertWhole(join(folder.path, place, source));
      });
      // A day later, whoever comes clears up what the dead left behind.
      for (const storage of places) await clearUp(storage);
    }
    expect(moments).toBeGreaterThan(50);

    // In the end, when nobody is at work, what no manifest names goes, and what one names stays.
    for (const storage of places) {
      const twice = { storage, source, olderThanMs: -60_000, graceMs: -60_000, signal };
      await collectObjects(twice);
      const done = await collectObjects(twice);
      expect(done.postponed).toBeNull();
      const root = join(folder.path, storage.name, source);
      const named = await namedIn(root, 'all');
      expect((await objectsIn(root)).filter((object) => !named.has(object))).toEqual([]);
      await assertWhole(root);
    }
  },
);

async function clearUp(storage: Storage): Promise<void> {
  for (const { prefix } of await storage.unfinished(`${source}/`, signal))
    await storage.removeUnfinished(prefix, signal);
}

async function idsIn(storage: Storage): Promise<string[]> {
  return (await storage.folders(`${source}/`, signal)).filter((name) => parseBackupId(name) !== null);
}

interface Worker {
  /** Calls that wait for their turn: there may be several at once. */
  waiting: (() => void)[];
  rank: number;
  /** Ended or dead. */
  over: boolean;
}

/** Those who are at work; each stops before every call to a storage until it is its turn. */
class Field {
  #workers: Worker[] = [];
  #executing = 0;
  #changed: () => void = () => undefined;

  join(
    work: (storages: readonly Storage[]) => Promise<void>,
    storages: readonly Storage[],
    diesAfter: number | null,
  ): void {
    const worker: Worker = { waiting: [], rank: 0, over: false };
    this.#workers.push(worker);
    let calls = 0;
    const step = async <R>(call: () => Promise<R>): Promise<R> => {
      calls += 1;
      // The dead never come back, and clean nothing up.
      if (worker.over || (diesAfter !== null && calls > diesAfter)) {
        worker.over = true;
        worker.waiting = [];
        this.#changed();
        return new Promise<never>(() => undefined);
      }
      await new Promise<void>((resolve) => {
        worker.waiting.push(resolve);
        this.#changed();
      });
      try {
        return await call();
      } finally {
        this.#executing -= 1;
        this.#changed();
      }
    };
    const ended = () => {
      worker.over = true;
      this.#changed();
    };
    // Losing against others is allowed: what counts is what lies in the storages.
    work(storages.map((storage) => stepping(storage, step))).then(ended, ended);
  }

  async play(random: () => number, look: () => Promise<void>): Promise<number> {
    // Whoever comes first goes on for long, until the order changes: a coin at each step would hardly ever let one far ahead of another.
    for (const worker of this.#workers) worker.rank = random();
    for (let steps = 0; ; steps += 1) {
      while (this.#executing > 0 || this.#workers.some(({ over, waiting }) => !over && waiting.length === 0))
        await new Promise<void>((resolve) => (this.#changed = resolve));
      await look();
      const [next] = this.#workers.filter(({ over }) => !over).toSorted((a, b) => b.rank - a.rank);
      if (!next) {
        this.#workers = [];
        return steps;
      }
      const [go] = next.waiting.splice(Math.floor(random() * next.waiting.length), 1);
      if (random() < 0.06) next.rank = random() - 1;
      this.#executing += 1;
      go?.();
    }
  }
}

type Step = <R>(call: () => Promise<R>) => Promise<R>;

function stepping(storage: Storage, step: Step): Storage {
  const stepped =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      step(() => call(...args));
  const plain = forward(storage);
  return {
    ...plain,
    put: stepped(plain.put),
    get: stepped(plain.get),
    folders: stepped(plain.folders),
    stat: stepped(plain.stat),
    statMany: stepped(plain.statMany),
    // One after the other: others come between.
    delete: async (keys, until) => {
      for (const key of keys) await step(() => plain.delete([key], until));
    },
    unfinished: stepped(plain.unfinished),
    list: async function* list(prefix, until) {
      yield* await step(() => Array.fromAsync(plain.list(prefix, until)));
    },
    stage: (prefix, until) =>
      step(async () => {
        const stage = forwardStage(await plain.stage(prefix, until));
        return {
          ...stage,
          put: stepped(stage.put),
          commit: stepped(stage.commit),
          [Symbol.asyncDispose]: stepped(() => Promise.resolve(stage[Symbol.asyncDispose]())),
        };
      }),
  };
}

function draftOf(id: string, startedAt: Date, artifacts: Artifact[]): ManifestDraft {
  const at = startedAt.toISOString();
  return {
    id,
    source,
    description: null,
    trigger: 'manual',
    safetyFor: null,
    startedAt: at,
    finishedAt: at,
    durationMs: 1,
    holdfast: '1.0.0',
    instance: 'test',
    database: null,
    app: null,
    files: { trees: [] },
    encryption: null,
    artifacts,
    warnings: [],
  };
}

/** Object by object, how long it has to be. */
async function namedIn(root: string, which: 'all' | 'needed' = 'needed'): Promise<Map<string, number>> {
  const named = new Map<string, number>();
  const ids = (await readdir(root).catch(() => [])).filter((name) => parseBackupId(name) !== null);
  for (const id of ids) {
    const text = await readFile(join(root, id, 'manifest.json'), 'utf8').catch(() => null);
    if (text === null) continue;
    const { artifacts } = JSON.parse(text) as { artifacts: Artifact[] };
    for (const { object, bytes, path } of artifacts)
      // Where nothing was shared, it lies in the backup's own folder.
      if (object !== null && (which === 'all' || (await stat(join(root, id, path)).catch(() => null)) === null))
        named.set(object, bytes);
  }
  return named;
}

async function assertWhole(root: string): Promise<void> {
  for (const [object, bytes] of await namedIn(root)) {
    const found = await stat(join(root, object)).catch(() => null);
    expect(found?.size, `${object} in ${root}`).toBe(bytes);
  }
}

async function objectsIn(root: string): Promise<string[]> {
  const found = await readdir(join(root, 'objects'), { recursive: true, withFileTypes: true }).catch(() => []);
  return found
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
    .toSorted();
}

function randomFrom(seed: number): () => number {
  let state = seed * 2_654_435_761;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
