import { expect, test } from 'vitest';
import { silentLogger } from '../base/logger.ts';
import type { House } from '../house.ts';
import { openReload, type Change } from './reload.ts';

/** What is configured, and houses that have what was configured when they were opened. */
function setUp() {
  let settings = 'first';
  let isBroken = false;
  const opened: string[] = [];
  const closed: string[] = [];
  const open = Promise.withResolvers<void>();
  const openHouse = async (): Promise<House> => {
    const mine = settings;
    opened.push(mine);
    const fails = isBroken;
    if (opened.length === 1) await open.promise;
    if (fails) throw new Error(`${mine} cannot be used`);
    const house: Pick<House, 'instance' | typeof Symbol.asyncDispose> = {
      instance: mine,
      [Symbol.asyncDispose]: async () => void closed.push(mine),
    };
    return house as House;
  };
  const calls: string[] = [];
  const change: Change = {
    idle: () => true,
    prepare: async () => undefined,
    hold: async () => {
      calls.push('hold');
      return true;
    },
    release: () => calls.push('release'),
  };
  return {
    opened,
    closed,
    calls,
    change,
    reload: openReload({ openHouse }, silentLogger),
    save: (to: string, broken = false) => {
      settings = to;
      isBroken = broken;
    },
    finishOpening: () => open.resolve(),
  };
}

async function seen(condition: () => boolean): Promise<void> {
  await expect.poll(condition, { timeout: 10_000 }).toBe(true);
}

test('what is changed while the change before is being prepared comes into effect as well', async () => {
  const { opened, closed, calls, change, reload, save, finishOpening } = setUp();
  using _ = reload;
  reload.when(change);
  save('one');
  reload.ask();
  await seen(() => opened.length === 1);
  save('two');
  reload.ask();
  finishOpening();
  await seen(() => reload.signal.aborted);
  expect(reload.taken()?.instance).toBe('two');
  expect([opened, closed]).toEqual([['one', 'two'], ['one']]);
  expect(calls).toEqual(['hold', 'release', 'hold']);
});

test('what cannot be used does not take with it what was corrected meanwhile', async () => {
  const { opened, change, reload, save, finishOpening } = setUp();
  using _ = reload;
  reload.when(change);
  save('wrong', true);
  reload.ask();
  await seen(() => opened.length === 1);
  save('right');
  reload.ask();
  finishOpening();
  await seen(() => reload.signal.aborted);
  expect(reload.taken()?.instance).toBe('right');
});
