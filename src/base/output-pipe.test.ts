import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { gather } from './gather.ts';
import { openOutputPipe } from './output-pipe.ts';

const { signal } = new AbortController();

/** Of those that listen; anybody on this machine may look. */
function names(): string[] {
  const lines = readFileSync('/proc/net/unix', 'utf8').matchAll(/ 00010000 .*@(holdfast-[0-9a-f]{32})$/gm);
  return [...lines].map(([, name = '']) => name);
}

test('what goes in at one end comes out at the other, and its end too', async () => {
  const pieces: Buffer[] = [];
  const gathered = gather((piece) => pieces.push(Buffer.from(piece)));
  await using pipe = await opened(gathered);
  const content = Buffer.alloc(3_000_000, 'abc');
  pipe.forProgram.end(content);
  pipe.forUs.resume();
  await new Promise((resolve) => pipe.forUs.once('end', resolve));
  gathered.end();
  expect(Buffer.concat(pieces).equals(content)).toBe(true);
});

test('nothing is read while it is enough, and everything afterwards', async () => {
  let taken = 0;
  let enough = true;
  const pipe = await openOutputPipe(
    gather(() => undefined),
    (bytes) => {
      taken += bytes;
      return !enough;
    },
    signal,
  );
  pipe.forProgram.end(Buffer.alloc(5_000_000));
  pipe.forUs.resume();
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(taken).toBeGreaterThan(0);
  expect(taken).toBeLessThanOrEqual(256 * 1024);
  enough = false;
  pipe.forUs.resume();
  await new Promise((resolve) => pipe.forUs.once('end', resolve));
  expect(taken).toBe(5_000_000);
});

test('its name is gone once it is open; whoever connects meanwhile gets nothing and gives nothing', async () => {
  const seen: Buffer[] = [];
  const gathered = gather((piece) => seen.push(Buffer.from(piece)));
  const others = names();
  const opening = opened(gathered);
  const name = names().find((each) => !others.includes(each)) ?? '';
  expect(name).not.toBe('');
  // One that says something else, one that says nothing, one that says more.
  const strangers = [Buffer.alloc(32), Buffer.alloc(0), Buffer.alloc(100)].map((said) => {
    const stranger = connect(`\0${name}`);
    stranger.on('error', () => undefined);
    stranger.on('data', (some) => seen.push(some as Buffer));
    stranger.write(said);
    return new Promise((resolve) => stranger.once('close', resolve));
  });
  await using pipe = await opening;
  await Promise.all(strangers);
  expect(names()).not.toContain(name);
  pipe.forProgram.end('ours');
  pipe.forUs.resume();
  await new Promise((resolve) => pipe.forUs.once('end', resolve));
  gathered.end();
  expect(Buffer.concat(seen).toString()).toBe('ours');
});

test('whoever gives up while it is opened waits for nothing', async () => {
  const controller = new AbortController();
  const opening = openOutputPipe(
    gather(() => undefined),
    () => true,
    controller.signal,
  );
  controller.abort();
  await expect(opening).rejects.toMatchObject({ code: 'INTERRUPTED' });
});

async function opened(gathered: ReturnType<typeof gather>) {
  const pipe = await openOutputPipe(gathered, () => true, signal);
  return {
    ...pipe,
    [Symbol.asyncDispose]: async () => {
      pipe.forProgram.destroy();
      pipe.forUs.destroy();
    },
  };
}
