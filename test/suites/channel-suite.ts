import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Channel, Message } from '../../src/notify/channel.ts';
import { failure, hostile, report, success } from '../support/messages.ts';
import { until } from '../support/until.ts';

export interface ChannelFixture extends AsyncDisposable {
  channel: Channel;
  /** Hands it over the way this channel takes it: as a message, or a ping with its words. */
  deliver(message: Message, signal: AbortSignal): Promise<void>;
  /** Everything that arrived at the other side, each as text a reader of it would see. */
  received(): string[];
  /** How often the other side was spoken to. */
  calls(): number;
  /** The other side says no, for good, and quotes every secret it knows. */
  refuse(): void;
  /** The other side says no to who we are. */
  refuseLogin(): void;
  /** The other side says to try later. */
  beBusy(): void;
  hang(): Promise<void>;
  /** The other side is not there any more. */
  leave(): Promise<void>;
  /** What must be in no error. */
  secrets: string[];
}

const { signal } = new AbortController();

/** What every channel must do; its own test calls this and adds only what is special about it. */
export function describeChannel(kind: string, make: () => Promise<ChannelFixture>): void {
  describe(`${kind}: the channel contract`, () => {
    let other: ChannelFixture;
    beforeEach(async () => {
      other = await make();
    });
    afterEach(() => other[Symbol.asyncDispose]());

    test('says what it is', () => {
      expect(other.channel).toMatchObject({ name: kind, kind, level: null, sources: null });
    });

    test('what was accepted has arrived, once', async () => {
      await other.deliver(failure, signal);
      await other.deliver(success, signal);
      expect(other.received()).toHaveLength(2);
      expect(other.received()[0]).toContain('shop');
      expect(other.calls()).toBe(2);
    });

    test('a report arrives', async () => {
      await other.deliver(report, signal);
      expect(other.received()).toHaveLength(1);
    });

    test('N-d21, S27: hostile and endless text arrives as text, and nothing of it as a header', async () => {
      await other.deliver(hostile, signal);
      expect(other.received()).toHaveLength(1);
      expect(other.received()[0]).not.toMatch(/\u202E|\u0000|\u001B/);
    });

    test('a refusal is said to be one, in the words of the other side', async () => {
      other.refuse();
      await expect(other.deliver(failure, signal)).rejects.toMatchObject({
        code: 'ALERT_REFUSED',
        retryable: false,
        message: expect.stringContaining('do not want'),
      });
    });

    test('a login that is refused is said to be one', async () => {
      other.refuseLogin();
      await expect(other.deliver(failure, signal)).rejects.toMatchObject({ code: 'ALERT_AUTH', retryable: false });
    });

    test('a busy other side can be asked again', async () => {
      other.beBusy();
      await expect(other.deliver(failure, signal)).rejects.toMatchObject({ code: 'ALERT_REFUSED', retryable: true });
    });

    test('another side that is gone can be asked again', async () => {
      await other.leave();
      await expect(other.deliver(failure, signal)).rejects.toMatchObject({
        code: 'ALERT_UNREACHABLE',
        retryable: true,
      });
    });

    test('another side that hangs is given up', async () => {
      await other.hang();
      await expect(other.deliver(failure, signal)).rejects.toMatchObject({ code: 'ALERT_TIMEOUT', retryable: true });
    });

    test('is interrupted while it waits, and before it begins', async () => {
      await other.hang();
      const before = other.calls();
      const controller = new AbortController();
      const ended = other.deliver(failure, controller.signal).catch((error: unknown) => error);
      await until(() => other.calls() > before, 'the call');
      controller.abort();
      expect(await ended).toMatchObject({ code: 'INTERRUPTED' });
      await expect(other.deliver(failure, controller.signal)).rejects.toMatchObject({ code: 'INTERRUPTED' });
    });

    test('S23: no error holds a secret', async () => {
      const errors: unknown[] = [];
      const keep = async () => {
        await other.deliver(failure, signal).catch((error: unknown) => errors.push(error));
      };
      other.refuse();
      await keep();
      other.refuseLogin();
      await keep();
      other.beBusy();
      await keep();
      await other.leave();
      await keep();
      expect(errors).toHaveLength(4);
      const shown = errors.map((error) => inspect(error, { depth: 10 })).join('\n');
      for (const secret of other.secrets) expect(shown).not.toContain(secret);
    });
  });
}
