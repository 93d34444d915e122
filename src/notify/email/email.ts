import type { NodemailerError } from 'nodemailer';
import { abortReason, throwIfAborted, withTimeout } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Channel, ChannelContext } from '../channel.ts';
import { factsOf } from '../channel-facts.ts';
import { timedOut } from '../errors.ts';
import { serviceOf, type Service } from '../service.ts';
import { mailError, recipientsRefused } from './errors.ts';
import { mailOf } from './mail.ts';
import type { EmailOptions } from './options.ts';
import { openTransport, tryServer } from './server.ts';

const longestMemory = 100;

export function emailChannel(options: EmailOptions, context: ChannelContext): Channel {
  const { user, password } = options.smtp;
  const encoded = [password, `\0${user}\0${password}`].map((text) => Buffer.from(text ?? '').toString('base64'));
  const service = serviceOf('email', options, context, password === undefined ? [] : [password, ...encoded]);
  // Who has a message already: when one of several addresses is to be tried again, the others are not to get it twice.
  const reached = new Map<string, Set<string>>();
  return {
    ...factsOf('email', options),
    send: (message, signal) =>
      speak(service, signal, async (limited) => {
        const done = reached.get(message.id) ?? new Set();
        const to = options.to.filter((address) => !done.has(address));
        const mail = { ...mailOf(message, options, to), date: context.clock.now(), signal: limited };
        const transport = await openTransport(options);
        const { accepted, rejected, rejectedErrors = [] } = await transport.sendMail(mail);
        reached.delete(message.id);
        if (rejected.length === 0) return;
        remember(reached, message.id, new Set([...done, ...accepted.map(String)]));
        throw recipientsRefused(service, rejectedErrors.map(refusedRecipient));
      }),
    check: (signal) => speak(service, signal, (limited) => tryServer(options, limited)),
    [Symbol.asyncDispose]: async () => undefined,
  };
}

/** A conversation with the mail server, within its time and with its errors in our words. */
async function speak(
  service: Service,
  signal: AbortSignal,
  conversation: (limited: AbortSignal) => Promise<void>,
): Promise<void> {
  throwIfAborted(signal);
  using limited = withTimeout(signal, service.timeoutMs, () => timedOut(service));
  try {
    await conversation(limited.signal);
  } catch (error) {
    if (limited.signal.aborted) throw abortReason(limited.signal);
    throw error instanceof HoldfastError ? error : mailError(service, error);
  }
}

function refusedRecipient({ recipient = '?', response, responseCode, message }: NodemailerError) {
  const status = typeof responseCode === 'number' ? responseCode : null;
  return { address: recipient, response: response ?? message, status };
}

function remember(memory: Map<string, Set<string>>, id: string, addresses: Set<string>): void {
  memory.set(id, addresses);
  const [oldest] = memory.keys();
  if (memory.size > longestMemory && oldest !== undefined) memory.delete(oldest);
}
