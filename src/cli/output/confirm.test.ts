import { PassThrough, Readable, Writable } from 'node:stream';
import { expect, test } from 'vitest';
import { HoldfastError } from '../../base/errors.ts';
import type { Io } from '../command.ts';
import { confirm } from './confirm.ts';
import { openScreen } from './screen.ts';

function ask(stdin: Readable, options: { word: string; interactive?: boolean; yes?: boolean; signal?: AbortSignal }) {
  let said = '';
  const stderr = new Writable({ write: (chunk, _encoding, next) => ((said += String(chunk)), next()) });
  const io: Io = {
    stdin,
    stdout: new PassThrough(),
    stderr,
    screen: openScreen(stderr, false),
    interactive: options.interactive ?? true,
    terminal: true,
    live: false,
    color: false,
    errorColor: false,
    columns: 80,
  };
  const signal = options.signal ?? new AbortController().signal;
  const answer = confirm(
    { io, yes: options.yes ?? false, signal },
    { says: ['This replaces shop.'], word: options.word },
  );
  return { answer, said: () => said };
}

test('T-10 the exact name confirms', async () => {
  const { answer, said } = ask(Readable.from(['shop\n']), { word: 'shop' });
  await expect(answer).resolves.toBeUndefined();
  expect(said()).toBe('This replaces shop.\nType shop to go on: ');
});

test.each(['yes\n', 'Shop\n', '\n', 'shop2\n', ''])('T-10 N-39 the answer %j is refused', async (typed) => {
  await expect(ask(Readable.from([typed]), { word: 'shop' }).answer).rejects.toMatchObject({
    code: 'NOT_CONFIRMED',
    kind: 'refused',
  });
});

test('J-d9 without a terminal and without --yes nothing is asked and it is refused', async () => {
  const { answer, said } = ask(Readable.from(['shop\n']), { word: 'shop', interactive: false });
  await expect(answer).rejects.toMatchObject({ code: 'NOT_CONFIRMED', kind: 'refused' });
  expect(said()).toBe('');
});

test('--yes answers', async () => {
  await expect(ask(Readable.from([]), { word: 'shop', interactive: false, yes: true }).answer).resolves.toBeUndefined();
});

test('S18 a name that cannot be typed is typed as it is shown', async () => {
  await expect(ask(Readable.from([String.raw`a\nb` + '\n']), { word: 'a\nb' }).answer).resolves.toBeUndefined();
});

test('Ctrl-C while being asked is an interruption', async () => {
  const stop = new AbortController();
  const { answer } = ask(new PassThrough(), { word: 'shop', signal: stop.signal });
  stop.abort(new HoldfastError('INTERRUPTED', 'stopped by SIGINT', { kind: 'interrupted' }));
  await expect(answer).rejects.toMatchObject({ code: 'INTERRUPTED', kind: 'interrupted' });
});
