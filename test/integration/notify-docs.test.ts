import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { runProcess } from '../../src/base/run-process.ts';
import { channels, createChannel } from '../../src/notify/index.ts';
import { payloadOf } from '../../src/notify/webhook/payload.ts';
import { startReceiver } from '../support/http-receiver.ts';
import { freePort, untilListening } from '../support/loopback.ts';
import { channelContext, hostile, success } from '../support/messages.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

/** docs/alerts.md as it stands there: its examples are valid, and its receivers work. */
const page = await readFile(new URL('../../docs/alerts.md', import.meta.url), 'utf8');
const { signal } = new AbortController();
const secret = 'kanarienvogel-4711-geheim';

function blockNamed(name: string): string {
  const found = new RegExp(`<!-- executed: ${name.replace('.', '\\.')} -->\\n\`\`\`\\w+\\n(.*?)\`\`\``, 's').exec(
    page,
  )?.[1];
  if (found === undefined) throw new Error(`docs/alerts.md has no block named ${name}`);
  return found;
}

function webhook(url: string, clock = systemClock) {
  const options = channels.webhook.schema.parse({ type: 'webhook', url, secret });
  return createChannel('webhook', options, { ...channelContext, clock });
}

test('every example of a channel is valid, and every kind has one', () => {
  const blocks = [...page.matchAll(/```yaml\n(.*?)```/gs)].map(([, text]) => parse(text ?? '') as unknown);
  const examples = blocks.flatMap(
    (block) => (block as { alerts: { channels: { type: keyof typeof channels }[] } }).alerts.channels,
  );
  // What stands for a secret is filled in, in a form its kind takes.
  const filled = examples.map(
    (example) =>
      JSON.parse(
        JSON.stringify(example)
          .replaceAll('${TELEGRAM_TOKEN}', '123456:abcdefghijklmnop')
          .replaceAll(/\$\{\w+_URL\}/g, 'https://example.com/x')
          .replaceAll(/\$\{\w+\}/g, 'something-secret'),
      ) as { type: keyof typeof channels },
  );
  for (const example of filled)
    expect(channels[example.type].schema.parse(example)).toMatchObject({ type: example.type });
  expect(new Set(examples.map(({ type }) => type))).toEqual(new Set(Object.keys(channels)));
});

test('every setting of a channel is named', () => {
  for (const [kind, { schema }] of Object.entries(channels)) {
    for (const key of Object.keys(schema.shape)) {
      expect(page, `${key} of ${kind}`).toMatch(new RegExp(`\`(smtp\\.)?${key}\\b|\\b${key}:`));
    }
  }
});

test('N-32: the payload has the keys that are shown, and no others', () => {
  const shown = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '') as Record<string, Record<string, object>>;
  const sent = payloadOf(success, '0.1.0') as typeof shown;
  expect(Object.keys(sent)).toEqual(Object.keys(shown));
  expect(Object.keys(sent['holdfast'] ?? {})).toEqual(Object.keys(shown['holdfast'] ?? {}));
  expect(Object.keys(sent['holdfast']?.['run'] ?? {})).toEqual(Object.keys(shown['holdfast']?.['run'] ?? {}));
});

test('S25, N-d14: the receiver for Node accepts what is genuine and young, and nothing else', async () => {
  await using folder = await temporaryFolder();
  const program = join(folder.path, 'receiver.mjs');
  await writeFile(program, blockNamed('receiver.mjs'));
  const port = await freePort();
  const child = spawn(process.execPath, [program], {
    env: { WEBHOOK_SECRET: secret, PORT: String(port) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += String(chunk)));
    await untilListening(
      port,
      () => child.exitCode === null,
      () => output,
    );
    const url = `http://127.0.0.1:${port}/`;
    await webhook(url).send?.(success, signal);
    await webhook(url).send?.(hostile, signal);
    expect(output).toContain('success The backup of shop is stored in 2 places.');
    const tenMinutesAgo = { ...systemClock, now: () => new Date(Date.now() - 600_000) };
    const late = webhook(url, tenMinutesAgo).send?.(success, signal);
    await expect(late).rejects.toMatchObject({
      code: 'ALERT_AUTH',
      message: expect.stringContaining('wrong signature'),
    });
    const response = await fetch(url, { method: 'POST', body: '{}' });
    expect(response.status).toBe(401);
  } finally {
    child.kill();
    await once(child, 'close');
  }
});

test('S25, N-d14: the line for the shell tells what is genuine', async () => {
  await using folder = await temporaryFolder();
  await using receiver = await startReceiver();
  await webhook(receiver.url).send?.(hostile, signal);
  const [request] = receiver.requests;
  const run = async (body: Buffer) => {
    await writeFile(join(folder.path, 'body.json'), body);
    return runProcess(
      {
        program: 'sh',
        args: ['-c', blockNamed('verify.sh')],
        cwd: folder.path,
        env: {
          PATH: process.env.PATH ?? '',
          WEBHOOK_SECRET: secret,
          SIGNATURE: String(request?.headers['x-signature-256']),
        },
      },
      { signal },
    );
  };
  const body = request?.body ?? Buffer.alloc(0);
  expect((await run(body)).stdout).toBe('genuine\n');
  await expect(run(Buffer.concat([body, Buffer.from(' ')]))).rejects.toMatchObject({ code: 'TOOL_FAILED' });
});
