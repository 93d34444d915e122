import { expect, test } from 'vitest';
import { remembered } from './remembered.ts';

const { signal } = new AbortController();

test('asks once, however many want to know at the same time and later', async () => {
  const memory = new Map<string, Promise<string>>();
  let asked = 0;
  const ask = async () => `answer ${(asked += 1)}`;
  const answers = await Promise.all([remembered(memory, 'a', signal, ask), remembered(memory, 'a', signal, ask)]);
  expect([...answers, await remembered(memory, 'a', signal, ask)]).toEqual(['answer 1', 'answer 1', 'answer 1']);
  expect(await remembered(memory, 'b', signal, ask)).toBe('answer 2');
});

test('what went wrong, or came to nothing, is asked anew', async () => {
  const memory = new Map<string, Promise<string | null>>();
  const answers = [() => Promise.reject(new Error('no')), async () => null, async () => 'yes', async () => 'again'];
  const ask = async () => answers.shift()?.() ?? null;
  await expect(remembered(memory, 'a', signal, ask)).rejects.toThrow('no');
  expect(await remembered(memory, 'a', signal, ask)).toBeNull();
  expect(await remembered(memory, 'a', signal, ask)).toBe('yes');
  expect(await remembered(memory, 'a', signal, ask)).toBe('yes');
});

test('nobody who was stopped gets an answer', async () => {
  const memory = new Map([['a', Promise.resolve('known')]]);
  await expect(remembered(memory, 'a', AbortSignal.abort(), async () => 'new')).rejects.toThrow();
});

test('whoever waits for an answer that somebody else was stopped from getting, asks anew', async () => {
  const memory = new Map<string, Promise<string>>();
  const stopped = Promise.withResolvers<string>();
  const first = remembered(memory, 'a', signal, () => stopped.promise);
  const others = [1, 2].map((each) => remembered(memory, 'a', signal, async () => `asked by ${each}`));
  stopped.reject(new Error('stopped'));
  await expect(first).rejects.toThrow('stopped');
  expect(await Promise.all(others)).toEqual(['asked by 1', 'asked by 1']);
});

test('what goes wrong for everybody is told to everybody', async () => {
  const memory = new Map<string, Promise<string>>();
  const ask = () => Promise.reject(new Error('no'));
  const all = await Promise.allSettled([1, 2, 3].map(() => remembered(memory, 'a', signal, ask)));
  expect(all.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
});
