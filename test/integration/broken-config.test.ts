import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anyPort, serveHoldfast } from '../support/api.ts';
import { installHoldfast } from '../support/holdfast.ts';
import { startReceiver } from '../support/http-receiver.ts';
import { until } from '../support/until.ts';

test('a configuration that broke before a restart is told through the channels it last began with, once, and when it is mended', async () => {
  await using receiver = await startReceiver();
  await using holdfast = await installHoldfast({
    url: 'postgres://shop:a-password-of-some-length@127.0.0.1:1/shop',
    top: { server: anyPort, alerts: { channels: [{ type: 'webhook', url: `${receiver.url}/hook-token` }] } },
  });
  const good = await readFile(holdfast.configFile, 'utf8');
  const told = () => receiver.requests.map(({ body }) => body.toString()).filter((body) => /cannot begin/.test(body));

  // Before it has ever begun there is nobody to tell.
  await writeFile(holdfast.configFile, `${good}monitor:\n  minBackups: none\n`);
  expect((await holdfast.run('serve')).status).toBe(2);
  expect(receiver.requests).toEqual([]);

  await writeFile(holdfast.configFile, good);
  {
    await using served = await serveHoldfast(holdfast);
    await until(
      async () => (await readdir(holdfast.state)).includes('config-last-good.json'),
      'it keeps what it began with',
    );
    expect((await served.stop()).status).toBe(0);
  }
  expect((await stat(join(holdfast.state, 'config-last-good.json'))).mode & 0o777).toBe(0o600);

  await writeFile(holdfast.configFile, `${good}monitor:\n  minBackups: none\n`);
  const broken = await holdfast.run('serve');
  expect(broken.status).toBe(2);
  expect(broken.stderr).toContain('minBackups');
  expect(told()).toHaveLength(1);
  expect(told()[0]).toMatch(/CONFIG_INVALID/);
  expect(told()[0]).not.toContain('a-password-of-some-length');
  expect(receiver.requests[0]?.url).toBe('/hook-token');

  // A container that is restarted time and again.
  expect((await holdfast.run('serve')).status).toBe(2);
  expect(told()).toHaveLength(1);

  // Broken otherwise: not even YAML.
  await writeFile(holdfast.configFile, `${good}sources: [\n`);
  expect((await holdfast.run('serve')).status).toBe(2);
  expect(told()).toHaveLength(2);

  // S20 Told by a clock that was a year ahead.
  const kept = join(holdfast.state, 'config-last-good.json');
  const ahead = new Date(Date.now() + 365 * 86_400_000).toISOString();
  await writeFile(kept, (await readFile(kept, 'utf8')).replace(/"at":"[^"]*"/, `"at":"${ahead}"`));
  expect((await holdfast.run('serve')).status).toBe(2);
  expect(told()).toHaveLength(3);

  await writeFile(holdfast.configFile, good);
  await using served = await serveHoldfast(holdfast);
  await until(
    () => receiver.requests.some(({ body }) => /over: /.test(body.toString()) && /cannot begin/.test(body.toString())),
    'it is told that it is over',
  );
  const count = receiver.requests.length;
  expect((await served.stop()).status).toBe(0);
  await using again = await serveHoldfast(holdfast);
  expect((await again.stop()).status).toBe(0);
  expect(receiver.requests.slice(count).filter(({ body }) => /cannot begin/.test(body.toString()))).toEqual([]);
});
