import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Channel } from '../../src/notify/channel.ts';
import { createChannel } from '../../src/notify/index.ts';
import { emailOptions } from '../../src/notify/email/options.ts';
import { describeChannel } from '../suites/channel-suite.ts';
import { makeCertificates, type Certificates } from '../support/certificates.ts';
import { channelContext, failure, hostile, report } from '../support/messages.ts';
import { decodeWords, readMail, startSilence, startSmtpServer, type TestSmtpServer } from '../support/smtp-server.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const login = { user: 'keeper', password: 'kanarienvogel-4711-geheim' };

let certificates: Certificates;
beforeAll(async () => {
  certificates = await makeCertificates();
});
afterAll(() => certificates[Symbol.asyncDispose]());

function channelFor(port: number, smtp: object = {}, more: object = {}): Channel {
  const options = emailOptions.parse({
    type: 'email',
    from: 'holdfast@example.com',
    to: ['ops@example.com'],
    smtp: { host: '127.0.0.1', port, ...smtp },
    ...more,
  });
  return createChannel('email', { ...options, timeout: 2000 }, channelContext);
}

const encrypted = () => ({ ...login, ca: certificates.ca });

describeChannel('email', async () => {
  const server = await startSmtpServer({ tls: 'starttls', certificate: certificates, login });
  let gone = false;
  const leave = async () => {
    if (!gone) await server[Symbol.asyncDispose]();
    gone = true;
  };
  let silence: Awaited<ReturnType<typeof startSilence>> | undefined;
  let channel = channelFor(server.port, encrypted());
  return {
    channel,
    deliver: async (message, stop) => channel.send?.(message, stop),
    received: () =>
      server.mails.map(({ raw }) =>
        readMail(raw)
          .parts.map(({ text }) => text)
          .join('\n'),
      ),
    calls: () => (silence ? silence.connections() : server.connections()),
    refuse: () => server.refuse({ at: 'data', code: 554, text: `do not want ${login.password}` }),
    refuseLogin: () => server.refuse({ at: 'login', code: 535, text: `not ${login.user} with ${login.password}` }),
    beBusy: () => server.refuse({ at: 'from', code: 451, text: 'come back later' }),
    hang: async () => {
      silence = await startSilence();
      channel = channelFor(silence.port, encrypted());
    },
    leave,
    secrets: [login.password, Buffer.from(login.password).toString('base64')],
    [Symbol.asyncDispose]: async () => {
      await leave();
      await silence?.[Symbol.asyncDispose]();
    },
  };
});

describe('N-30, J-11: what arrives', () => {
  let server: TestSmtpServer;
  beforeAll(async () => {
    server = await startSmtpServer({ tls: 'none' });
  });
  afterAll(() => server[Symbol.asyncDispose]());
  beforeEach(() => {
    server.mails.length = 0;
    server.refuse(null);
  });
  const plain = (more: object = {}) => channelFor(server.port, { tls: 'none' }, more);

  test('text and HTML, with a subject that says everything', async () => {
    await plain({ fromName: 'Bäckup', to: 'ops@example.com, boss@example.com' }).send?.(failure, signal);
    const [mail] = server.mails;
    expect(mail).toMatchObject({
      from: 'holdfast@example.com',
      to: ['ops@example.com', 'boss@example.com'],
      secure: false,
      user: null,
    });
    const { headers, parts } = readMail(mail?.raw ?? '');
    expect(headers.get('subject')).toBe('[X] Holdfast web-1 CRITICAL: backup of shop failed');
    expect(decodeWords(headers.get('from') ?? '')).toBe('Bäckup <holdfast@example.com>');
    expect(headers.get('to')).toBe('ops@example.com, boss@example.com');
    expect(headers.get('auto-submitted')).toBe('auto-generated');
    expect(headers.get('importance')).toBe('high');
    expect(parts.map(({ type }) => type.split(';')[0])).toEqual(['text/plain', 'text/html']);
    for (const { text } of parts) {
      for (const words of [failure.what, failure.meaning, ...failure.todo, ...failure.errors])
        expect(text).toContain(words);
    }
  });

  test('the same message has the same id at every try', async () => {
    const channel = plain();
    await channel.send?.(failure, signal);
    await channel.send?.(failure, signal);
    await channel.send?.(report, signal);
    const [first, second, third] = server.mails.map(({ raw }) => readMail(raw).headers.get('message-id'));
    expect(first).toMatch(/^<[0-9a-f]{32}@example\.com>$/);
    expect(second).toBe(first);
    expect(third).not.toBe(first);
  });

  test('a report goes along as a file', async () => {
    await plain().send?.(report, signal);
    const { parts } = readMail(server.mails[0]?.raw ?? '');
    expect(parts.map(({ type }) => type.split(';')[0])).toEqual(['text/plain', 'text/html', 'text/html']);
    expect(parts[0]?.text).toContain(report.page?.text);
    expect(parts[2]?.headers.get('content-disposition')).toBe('attachment; filename=holdfast-report-2026-11-21.html');
    expect(parts[2]?.text).toBe(report.page?.html);
  });

  test('N-d21, S27: no text makes a header, a recipient or HTML of its own', async () => {
    await plain({ fromName: 'Holdfast" <evil@example.com>, "x' }).send?.(hostile, signal);
    expect(server.mails).toHaveLength(1);
    const [mail] = server.mails;
    expect(mail?.to).toEqual(['ops@example.com']);
    const { headers, lines, parts } = readMail(mail?.raw ?? '');
    expect(lines.map((line) => line.slice(0, line.indexOf(':')).toLowerCase())).not.toContain('bcc');
    expect(decodeWords(headers.get('subject') ?? '')).toBe(
      '[X] Holdfast web-1 Bcc: victim@example.com CRITICAL: backup of "shop" Bcc: victim@example.com <script>alert(1)</script> failed 💥',
    );
    expect(decodeWords(headers.get('from') ?? '')).toMatch(/<holdfast@example\.com>$/);
    const html = parts[1]?.text ?? '';
    expect(html).not.toMatch(/<script|<img|<h1|javascript:/i);
    expect(html).toContain('&lt;img src=x onerror=alert(1)&gt; &amp; &quot;quotes&quot; &#39;single&#39;');
    expect(html).toContain('... and 483 more');
  });

  test('one of several addresses is refused: said by name, and tried again for that one only', async () => {
    server.refuse({ at: 'boss@example.com', code: 450, text: 'greylisted' });
    const channel = plain({ to: ['ops@example.com', 'boss@example.com'] });
    await expect(channel.send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_REFUSED',
      retryable: true,
      message: expect.stringContaining('boss@example.com'),
    });
    server.refuse(null);
    await channel.send?.(failure, signal);
    await channel.send?.({ ...failure, id: 'another' }, signal);
    expect(server.mails.map(({ to }) => to)).toEqual([
      ['ops@example.com'],
      ['boss@example.com'],
      ['ops@example.com', 'boss@example.com'],
    ]);
  });

  test('every address is refused for good', async () => {
    server.refuse({ at: 'ops@example.com', code: 550, text: 'do not want: no such user' });
    await expect(plain().send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_REFUSED',
      retryable: false,
      message: expect.stringContaining('no such user'),
    });
  });
});

describe('a check connects, encrypts and logs in, and sends nothing', () => {
  test.each(['starttls', 'tls'] as const)('%s', async (tls) => {
    await using server = await startSmtpServer({ tls, certificate: certificates, login });
    await channelFor(server.port, { tls, ...encrypted() }).check?.(signal);
    const wrong = channelFor(server.port, { tls, ...encrypted(), password: 'falscher-vogel' });
    await expect(wrong.check?.(signal)).rejects.toMatchObject({ code: 'ALERT_AUTH', retryable: false });
    const strange = channelFor(server.port, { tls, ...login });
    await expect(strange.check?.(signal)).rejects.toMatchObject({ code: 'ALERT_CERTIFICATE' });
    expect(server.connections()).toBeGreaterThan(1);
    expect(server.mails).toEqual([]);
  });

  test('without a login', async () => {
    await using server = await startSmtpServer({ tls: 'none' });
    await channelFor(server.port, { tls: 'none' }).check?.(signal);
    const { port } = server;
    await server[Symbol.asyncDispose]();
    await expect(channelFor(port, { tls: 'none' }).check?.(signal)).rejects.toMatchObject({
      code: 'ALERT_UNREACHABLE',
    });
  });

  test('a server that says nothing is given up, also by the program', async () => {
    await using silence = await startSilence();
    const channel = channelFor(silence.port, { tls: 'none' });
    await expect(channel.check?.(signal)).rejects.toMatchObject({ code: 'ALERT_TIMEOUT', retryable: true });
    const controller = new AbortController();
    const ended = channel.check?.(controller.signal).catch((error: unknown) => error);
    await until(() => silence.connections() > 1, 'the second connection');
    controller.abort();
    expect(await ended).toMatchObject({ code: 'INTERRUPTED' });
  });
});

describe('N-d21: encryption', () => {
  test.each(['starttls', 'tls'] as const)('%s with an authority of our own', async (tls) => {
    await using server = await startSmtpServer({ tls, certificate: certificates, login });
    await channelFor(server.port, { tls, ...encrypted() }).send?.(failure, signal);
    expect(server.mails).toMatchObject([{ secure: true, user: login.user }]);
  });

  test.each(['starttls', 'tls'] as const)('%s: a certificate nobody vouches for is refused', async (tls) => {
    await using server = await startSmtpServer({ tls, certificate: certificates, login });
    await expect(channelFor(server.port, { tls, ...login }).send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_CERTIFICATE',
      retryable: false,
    });
    expect(server.mails).toEqual([]);
  });

  test.each(['starttls', 'tls'] as const)('%s: a certificate of another server is refused', async (tls) => {
    await using server = await startSmtpServer({ tls, certificate: certificates.foreign, login });
    for (const host of ['127.0.0.1', 'localhost']) {
      const channel = channelFor(server.port, { tls, host, ...encrypted() });
      await expect(channel.send?.(failure, signal)).rejects.toMatchObject({ code: 'ALERT_CERTIFICATE' });
    }
    expect(server.mails).toEqual([]);
  });

  test('a server without STARTTLS gets neither login nor mail', async () => {
    await using server = await startSmtpServer({ tls: 'none', login });
    await expect(channelFor(server.port, encrypted()).send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_TLS',
      retryable: false,
      hint: expect.stringContaining('smtp.tls'),
    });
    expect(server.mails).toEqual([]);
  });

  test('tls against a server that speaks in the clear first is said to be that', async () => {
    await using server = await startSmtpServer({ tls: 'starttls', certificate: certificates, login });
    await expect(channelFor(server.port, { tls: 'tls', ...encrypted() }).send?.(failure, signal)).rejects.toMatchObject(
      {
        code: 'ALERT_TLS',
      },
    );
  });

  test('a server that wants no login gets no mail from somebody who has one to give', async () => {
    await using server = await startSmtpServer({ tls: 'starttls', certificate: certificates });
    await expect(channelFor(server.port, encrypted()).send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_AUTH',
    });
  });

  test('a file of authorities that is none, or is not there', async () => {
    await using folder = await temporaryFolder();
    const empty = join(folder.path, 'ca.pem');
    await writeFile(empty, 'nothing');
    await using server = await startSmtpServer({ tls: 'starttls', certificate: certificates, login });
    const withCa = (ca: string) => channelFor(server.port, { ...login, ca }).send?.(failure, signal);
    await expect(withCa(empty)).rejects.toMatchObject({ code: 'ALERT_CERTIFICATE', kind: 'usage' });
    await expect(withCa(`${empty}.not`)).rejects.toMatchObject({ code: 'FILE_NOT_FOUND', kind: 'usage' });
  });
});
