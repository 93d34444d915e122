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
