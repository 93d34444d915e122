import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HoldfastError } from '../base/errors.ts';
import { effectiveSettings } from './effective.ts';
import { loadConfig } from './load.ts';

let cwd: string;
beforeAll(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'holdfast-test-'));
});
afterAll(() => rm(cwd, { recursive: true, force: true }));

const database = { HOLDFAST_DATABASE_URL: 'postgres://shop@db/shop' };
const mail = {
  HOLDFAST_ALERT_EMAIL: 'ops@example.com, boss@example.com',
  SMTP_HOST: 'mail',
  SMTP_FROM: 'backup@example.com',
};
const load = (env: Record<string, string>) => loadConfig({ env: { ...database, ...env }, cwd });
const problemsOf = async (env: Record<string, string>) => {
  const error = await load(env).catch((problem: unknown) => problem);
  expect(error).toBeInstanceOf(HoldfastError);
  return error instanceof HoldfastError
    ? error.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim())
    : [];
};

describe('alert channels from variables', () => {
  it('N-28: are those whose address is given', async () => {
    const { config } = await load({
      ...mail,
      HOLDFAST_TEAMS_WEBHOOK: 'https://teams.example.com/x',
      SMTP_PORT: '465',
      SMTP_TLS: 'tls',
    });
    expect(config.alerts).toMatchObject({
      level: 'warnings',
      remindAfter: 86_400_000,
      channels: [
        {
          type: 'email',
          to: ['ops@example.com', 'boss@example.com'],
          from: 'backup@example.com',
          smtp: { host: 'mail', port: 465, tls: 'tls' },
        },
        { type: 'teams', url: 'https://teams.example.com/x' },
      ],
    });
  });

  it('N-28: are those that are named, in that order', async () => {
    const env = {
      ...mail,
      HOLDFAST_TEAMS_WEBHOOK: 'https://teams.example.com/x',
      HOLDFAST_ALERT_CHANNELS: 'teams, email',
    };
    const { config } = await load({ ...env, HOLDFAST_ALERT_LEVEL: 'all', HOLDFAST_ALERT_REMIND_AFTER: 'never' });
    expect(config.alerts.channels.map(({ type }) => type)).toEqual(['teams', 'email']);
    expect(config.alerts).toMatchObject({ level: 'all', remindAfter: null });
    expect((await load({ ...env, HOLDFAST_ALERT_CHANNELS: 'email' })).config.alerts.channels.length).toBe(1);
  });

  it('N-28: an unknown one is refused, and what is allowed is said', async () => {
    expect(await problemsOf({ HOLDFAST_ALERT_CHANNELS: 'pager' })).toEqual([
      expect.stringMatching(/^HOLDFAST_ALERT_CHANNELS is "pager"; allowed: email, teams, .*ping/),
    ]);
    expect(await problemsOf({ HOLDFAST_ALERT_LEVEL: 'panic' })).toEqual([
      expect.stringMatching(/^HOLDFAST_ALERT_LEVEL is "panic"; allowed: errors, warnings, all/),
    ]);
  });

  it('N-33: everything that is missing is named at once, as variables', async () => {
    expect(await problemsOf({ HOLDFAST_ALERT_CHANNELS: 'email,teams,telegram' })).toEqual([
      expect.stringMatching(/^SMTP_FROM is missing/),
      expect.stringMatching(/^HOLDFAST_ALERT_EMAIL is missing|^HOLDFAST_ALERT_EMAIL must/),
      expect.stringMatching(/^SMTP_HOST is missing/),
      expect.stringMatching(/^HOLDFAST_TEAMS_WEBHOOK is missing/),
      expect.stringMatching(/^HOLDFAST_TELEGRAM_TOKEN is missing/),
      expect.stringMatching(/^HOLDFAST_TELEGRAM_CHAT is missing/),
    ]);
  });

  it('a mail server alone is nothing to do with us', async () => {
    const { config, warnings } = await load({ SMTP_HOST: 'mail', SMTP_PASSWORD: 's3cr3t' });
    expect([config.alerts.channels, warnings]).toEqual([[], []]);
    await expect(loadConfig({ env: { SMTP_HOST: 'mail' }, cwd })).rejects.toMatchObject({ code: 'CONFIG_MISSING' });
  });

  it('S23: say where they come from, and are secret', async () => {
    const path = join(cwd, 'teams');
    await writeFile(path, 'https://teams.example.com/very-secret\n');
    const loaded = await load({
      ...mail,
      SMTP_USER: 'u',
      SMTP_PASSWORD: 'hunter2-hunter2',
      HOLDFAST_TEAMS_WEBHOOK_FILE: path,
    });
    const shown = effectiveSettings(loaded).filter(({ path: at }) => at.startsWith('alerts.channels'));
    const origin = (at: string) => shown.find(({ path: each }) => each === `alerts.channels[${at}`)?.origin;
    expect([origin('0].smtp.password'), origin('0].to[0]'), origin('1].url')]).toEqual([
      'SMTP_PASSWORD',
      'HOLDFAST_ALERT_EMAIL',
      'HOLDFAST_TEAMS_WEBHOOK_FILE',
    ]);
    expect(JSON.stringify(shown)).not.toMatch(/hunter2|very-secret/);
  });

  it('names that are taken and sources that there are not are problems', async () => {
    const file = join(cwd, 'twice.yaml');
    const url = 'https://example.com/x';
    const channels = [
      { type: 'webhook', name: 'a', url },
      { type: 'slack', name: 'a', url, sources: ['shopp'] },
    ];
    const sources = { shop: { database: { url: 'postgres://shop@db/shop' } } };
    await writeFile(file, JSON.stringify({ sources, alerts: { channels } }), { mode: 0o600 });
    const error = await loadConfig({ env: {}, cwd, path: file }).catch((problem: unknown) => problem);
    expect(String(error)).toContain('alerts.channels[1].name is the name of another channel, too');
    expect(String(error)).toContain(
      'alerts.channels[1].sources[0] is "shopp", which is not among the sources; did you mean shop?',
    );
  });
});
