import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { systemClock } from '../../src/base/clock.ts';
import { databaseSchema } from '../../src/config/database-schema.ts';
import { dumpSchema } from '../../src/engines/dump-options.ts';
import type { Database, DatabaseFacts } from '../../src/engines/engine.ts';
import { connectDatabase } from '../../src/engines/index.ts';
import { grounds, type Ground } from '../support/grounds.ts';
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.ts';

const points = 40;

describe.for(Object.entries(grounds).filter(([, { possible }]) => possible))('%s', ([engine, { start }]) => {
  let ground: Ground;
  let folder: TemporaryFolder;
  let live: Database;
  let like: DatabaseFacts;
  beforeAll(async () => {
    ground = await start();
    folder = await temporaryFolder();
    await ground.sql('create table t (id integer not null primary key)');
    live = connectDatabase(
      { database: databaseSchema.parse({ engine, ...ground.database }), via: null, dump: dumpSchema.parse({}) },
      { clock: systemClock, logger: silentLogger, scratch: folder.path },
    );
    const facts = (await live.target(never))?.facts;
    if (!facts) throw new Error('the live database is missing');
    like = facts;
  });
  afterAll(async () => {
    await folder?.[Symbol.asyncDispose]();
    await ground?.[Symbol.asyncDispose]();
  });

  test(`S14 an interruption at ${points} points of creating it leaves nothing that may not be dropped`, async () => {
    const scratch = (at: number | string) => live.named(`${live.name}_new_${at}`);
    let whole = 0;
    for (const name of ['cold', 'warm']) {
      const one = scratch(name);
      const began = performance.now();
      await one.create({ ...like, name: one.name }, 'a test', never);
      whole = performance.now() - began;
      await one.drop({ unmarked: false }, never);
    }
    expect(await ground.others()).toEqual([]);
    let interrupted = 0;
    for (let at = 0; at < points; at += 1) {
      const stop = new AbortController();
      const timer = setTimeout(() => stop.abort(), (whole * at) / points);
      const one = scratch(at);
      await one.create({ ...like, name: one.name }, 'a test', stop.signal).catch(() => undefined);
      clearTimeout(timer);
      if (stop.signal.aborted) interrupted += 1;
      await one.drop({ unmarked: false }, never);
      expect(await ground.others(), `interrupted at ${at} of ${points}`).toEqual([]);
    }
    expect(interrupted).toBeGreaterThan(0);
  });
});

const never = new AbortController().signal;
