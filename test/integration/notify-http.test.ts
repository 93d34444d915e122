import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Message } from '../../src/notify/channel.ts';
import { channels, createChannel, type ChannelOptions } from '../../src/notify/index.ts';
import { describeChannel } from '../suites/channel-suite.ts';
import { makeCertificates } from '../support/certificates.ts';
import { startReceiver, type HttpReceiver } from '../support/http-receiver.ts';
import { at, channelContext, failure, hostile, ping } from '../support/messages.ts';
import { startSilence } from '../support/smtp-server.ts';

const { signal } = new AbortController();
/** One of its own for each kind, so that none is hidden only because another kind's is. */
const tokenOf = (kind: string) => `kanarienvogel-4711-${kind}-geheim`;

type HttpKind = Exclude<keyof typeof channels, 'email'>;

/** For a service at an address, with every secret its kind has. */
const written: Record<HttpKind, (url: string, token: string) => Record<string, unknown>> = {
  teams: (url, token) => ({ url: `${url}/workflows/${token}/triggers?sig=${token}` }),
  slack: (url, token) => ({ url: `${url}/services/T0/B0/${token}` }),
  discord: (url, token) => ({ url: `${url}/api/webhooks/1/${token}` }),
  telegram: (url, token) => ({ server: url, token: `123456:${token}`, chat: -1001 }),
  ntfy: (url, token) => ({ server: url, topic: 'backups', token }),
  webhook: (url, token) => ({
    url: `${url}/hook?key=${token}`,
    secret: `${token}-2`,
    headers: { authorization: `Bearer ${token}-3` },
  }),
  ping: (url, token) => ({ url: `${url}/${token}` }),
};
const kinds = Object.keys(written) as HttpKind[];

function optionsFor(kind: HttpKind, url: string, more: object = {}): ChannelOptions {
  const options = channels[kind].schema.parse({ type: kind, ...written[kind](url, tokenOf(kind)), ...more });
  return { ...options, timeout: 2000 };
}

function channelFor(kind: HttpKind, url: string, more: object = {}): Channel {
  const options = optionsFor(kind, url, more);
  return createChannel(options.type, options, channelContext);
}

async function deliver(channel: Channel, message: Message, stop: AbortSignal): Promise<void> {
  if (channel.send) return channel.send(message, stop);
  await channel.ping?.({ ...ping, phase: 'fail', detail: [message.what, ...message.errors].join('\n') }, stop);
}

/** Every text in the JSON that was sent, or the text itself. */
function readable(body: string): string {
  const texts: string[] = [];
  try {
    JSON.parse(body, (_key, value: unknown) => {
      if (typeof value === 'string') texts.push(value);
      return value;
    });
    return texts.join('\n');
  } catch {
    return body;
  }
}

describe.each(kinds)('%s', (kind) => {
  describeChannel(kind, async () => {
    const receiver = await startReceiver();
    const channel = channelFor(kind, receiver.url);
    const quoting = (status: number) =>
      receiver.answer(({ url, headers }) => ({
        status,
        body: JSON.stringify({ message: `do not want ${url} ${headers.authorization ?? ''}` }),
      }));
    return {
      channel,
      deliver: (message, stop) => deliver(channel, message, stop),
      received: () => receiver.requests.map(({ body }) => readable(String(body))),
      calls: () => receiver.requests.length,
      refuse: () => quoting(400),
      refuseLogin: () => quoting(401),
      beBusy: () => quoting(429),
      hang: async () => receiver.answer('hang'),
      leave: async () => receiver[Symbol.asyncDispose](),
      secrets: [tokenOf(kind)],
      [Symbol.asyncDispose]: async () => receiver[Symbol.asyncDispose](),
    };
  });

  describe('on the way', () => {
    let receiver: HttpReceiver;
    let foreign: HttpReceiver;
    beforeAll(async () => {
      receiver = await startReceiver();
      foreign = await startReceiver();
    });
    afterAll(async () => {
      await receiver[Symbol.asyncDispose]();
      await foreign[Symbol.asyncDispose]();
    });
    beforeEach(() => {
      receiver.requests.length = 0;
    });

    test.each([301, 302, 303, 307, 308])(
      'S25, N-d13: a redirect (%i) is not followed, so no token goes along',
      async (status) => {
        receiver.answer(({ url }) => ({ status, headers: { location: `${foreign.url}${url}` } }));
        const error: unknown = await deliver(channelFor(kind, receiver.url), failure, signal).catch(
          (thrown: unknown) => thrown,
        );
        expect(error).toMatchObject({ code: 'ALERT_REFUSED', retryable: false });
        expect(foreign.requests).toEqual([]);
      },
    );

    test.each([
      [404, 'ALERT_REFUSED', false],
      [410, 'ALERT_REFUSED', false],
      [413, 'ALERT_REFUSED', false],
      [403, 'ALERT_AUTH', false],
      [408, 'ALERT_REFUSED', true],
      [500, 'ALERT_FAULT', true],
      [503, 'ALERT_FAULT', true],
    ])('%i is %s', async (status, code, retryable) => {
      receiver.answer({ status, body: '<html><body><h1>Oh   no</h1></body></html>' });
      await expect(deliver(channelFor(kind, receiver.url), failure, signal)).rejects.toMatchObject({
        code,
        retryable,
        message: expect.stringContaining(`${status}: Oh no`),
      });
    });

    test('what a busy service says about when to come back is kept', async () => {
      receiver.answer({ status: 429, headers: { 'retry-after': '7' } });
      await expect(deliver(channelFor(kind, receiver.url), failure, signal)).rejects.toMatchObject({
        retryable: true,
        details: { status: 429, retryAfterMs: 7000 },
      });
    });

    test('an endless refusal is cut short', async () => {
      receiver.answer({ status: 400, body: 'x'.repeat(5_000_000) });
      const error: unknown = await deliver(channelFor(kind, receiver.url), failure, signal).catch(
        (thrown: unknown) => thrown,
      );
      expect(String(error).length).toBeLessThan(400);
    });

    test('S23: a secret that would be cut in half is not shown by half', async () => {
      receiver.answer(({ url, headers }) => ({
        status: 400,
        body: `${'x'.repeat(185)} ${tokenOf(kind)} ${url} ${headers.authorization ?? ''}`,
      }));
      const error: unknown = await deliver(channelFor(kind, receiver.url), failure, signal).catch(
        (thrown: unknown) => thrown,
      );
      expect(String(error)).toContain('xxx');
      expect(String(error)).not.toContain(tokenOf(kind).slice(0, 8));
    });

    test('N-d21: a certificate nobody vouches for is refused', async () => {
      await using certificates = await makeCertificates();
      await using secure = await startReceiver(certificates);
      await expect(deliver(channelFor(kind, secure.url), failure, signal)).rejects.toMatchObject({
        code: 'ALERT_CERTIFICATE',
        retryable: false,
      });
      expect(secure.requests).toEqual([]);
    });

    test('a server that speaks no TLS is said to speak none', async () => {
      const plain = receiver.url.replace('http:', 'https:');
      await expect(deliver(channelFor(kind, plain), failure, signal)).rejects.toMatchObject({ code: 'ALERT_TLS' });
    });

    test('a server that takes the connection and says nothing is given up', async () => {
      await using silence = await startSilence();
      await expect(
        deliver(channelFor(kind, `http://127.0.0.1:${silence.port}`), failure, signal),
      ).rejects.toMatchObject({
        code: 'ALERT_TIMEOUT',
        retryable: true,
      });
    });
  });
});

describe('webhook', () => {
  test('S25, N-d14: the signatures are over the very bytes that arrived', async () => {
    await using receiver = await startReceiver();
    const secret = `${tokenOf('webhook')}-2`;
    for (const message of [failure, hostile]) await channelFor('webhook', receiver.url).send?.(message, signal);
    expect(receiver.requests).toHaveLength(2);
    for (const { body, headers } of receiver.requests) {
      const hmac = (...parts: (string | Buffer)[]) => {
        const digest = createHmac('sha256', secret);
        for (const part of parts) digest.update(part);
        return digest.digest('hex');
      };
      expect(headers['x-signature-256']).toBe(`sha256=${hmac(body)}`);
      expect(headers['x-holdfast-timestamp']).toBe(String(Date.parse(at) / 1000));
      expect(headers['x-holdfast-signature']).toBe(`v1=${hmac(`${Date.parse(at) / 1000}.`, body)}`);
      expect(headers.authorization).toBe(`Bearer ${tokenOf('webhook')}-3`);
      // By another program, so that it is no agreement between us and ourselves.
      const openssl = execFileSync('openssl', ['dgst', '-sha256', '-hmac', secret], { input: body, encoding: 'utf8' });
      expect(headers['x-signature-256']).toBe(`sha256=${openssl.trim().split('= ').at(-1)}`);
    }
  });

  test('without a secret nothing is signed', async () => {
    await using receiver = await startReceiver();
    const options = channels.webhook.schema.parse({ type: 'webhook', url: receiver.url });
    await createChannel('webhook', options, channelContext).send?.(failure, signal);
    const [request] = receiver.requests;
    expect(Object.keys(request?.headers ?? {}).filter((name) => name.includes('signature'))).toEqual([]);
    expect(request?.headers['x-holdfast-delivery']).toBe(failure.id);
    expect(request?.headers['user-agent']).toBe('Holdfast/1.2.3');
  });
});

describe('teams', () => {
  test('a connector that tells of a failure in an answer that says OK is believed', async () => {
    await using receiver = await startReceiver();
    receiver.answer({
      status: 200,
      body: 'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 413 with ContextId x',
    });
    await expect(channelFor('teams', receiver.url).send?.(failure, signal)).rejects.toMatchObject({
      code: 'ALERT_REFUSED',
    });
  });
});

describe('a check says nothing to anybody', () => {
  test.each([
    ['discord', 'GET', `/api/webhooks/1/${tokenOf('discord')}`],
    ['telegram', 'POST', `/bot123456:${tokenOf('telegram')}/getChat`],
  ] as const)('%s', async (kind, method, url) => {
    await using receiver = await startReceiver();
    const channel = channelFor(kind, receiver.url);
    await channel.check?.(signal);
    expect(receiver.requests).toMatchObject([{ method, url }]);
    receiver.answer({ status: 401, body: '{"description":"Unauthorized"}' });
    await expect(channel.check?.(signal)).rejects.toMatchObject({ code: 'ALERT_AUTH' });
  });

  test('those that cannot know it without a message do not pretend to', () => {
    const able = kinds.filter((kind) => channelFor(kind, 'http://127.0.0.1:1').check !== undefined);
    expect(able).toEqual(['discord', 'telegram']);
  });
});

describe('ping', () => {
  test.each([
    ['OK (not found)', false],
    ['OK (rate limited)', true],
  ])('a service that says "%s" has taken nothing', async (body, retryable) => {
    await using receiver = await startReceiver();
    receiver.answer({ status: 200, body });
    await expect(channelFor('ping', receiver.url).ping?.(ping, signal)).rejects.toMatchObject({
      code: 'ALERT_REFUSED',
      retryable,
    });
  });

  test('start, success and failure are told, and other work is not', async () => {
    await using receiver = await startReceiver();
    const channel = channelFor('ping', receiver.url);
    await channel.ping?.({ ...ping, phase: 'start' }, signal);
    await channel.ping?.(ping, signal);
    await channel.ping?.({ ...ping, phase: 'fail', detail: 'no space left' }, signal);
    await channel.ping?.({ ...ping, operation: 'prune' }, signal);
    const paths = receiver.requests.map(({ url }) => url.split('?')[0]);
    expect(paths).toEqual([`/${tokenOf('ping')}/start`, `/${tokenOf('ping')}`, `/${tokenOf('ping')}/fail`]);
    expect(String(receiver.requests[2]?.body)).toContain('no space left');
  });
});
