import { readFile } from 'node:fs/promises';
import type { SMTPConnectionOptions, SMTPSentMessageInfo, Transporter } from 'nodemailer';
import { abortReason } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { EmailOptions } from './options.ts';

const ports = { starttls: 587, tls: 465, none: 25 };

/** Loads nodemailer only when a mail is really sent. */
export async function openTransport(options: EmailOptions): Promise<Transporter<SMTPSentMessageInfo>> {
  const { createTransport } = await import('nodemailer');
  const { user, password } = options.smtp;
  return createTransport({
    ...(await connectionSettings(options)),
    ...(user === undefined ? {} : { auth: { user, pass: password } }),
    // A server that offers no login would otherwise be given the mail without one.
    forceAuth: user !== undefined,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
}

/** Connects, encrypts and logs in; sends nothing. nodemailer's own way to do so cannot be stopped. */
export async function tryServer(options: EmailOptions, signal: AbortSignal): Promise<void> {
  const { default: SmtpConnection } = await import('nodemailer/lib/smtp-connection');
  const { user, password } = options.smtp;
  const connection = new SmtpConnection(await connectionSettings(options));
  const conversation = Promise.withResolvers<void>();
  const stop = () => conversation.reject(abortReason(signal));
  const finish = (error?: Error | null) => (error ? conversation.reject(error) : conversation.resolve());
  connection.once('error', finish);
  connection.once('end', () => finish(new Error('the server ended the conversation')));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    connection.connect((error) => {
      if (error || user === undefined) return finish(error);
      connection.login({ user, credentials: { user, pass: password ?? '' } }, finish);
    });
    await conversation.promise;
  } finally {
    signal.removeEventListener('abort', stop);
    connection.close();
  }
}

async function connectionSettings({ smtp, timeout }: EmailOptions): Promise<SMTPConnectionOptions> {
  const { host, port, tls, ca } = smtp;
  return {
    host,
    port: port ?? ports[tls],
    secure: tls === 'tls',
    requireTLS: tls === 'starttls',
    ignoreTLS: tls === 'none',
    tls: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === undefined ? {} : { ca: await readCa(ca) }) },
    // Ours ends everything together, so none of theirs may come first.
    dnsTimeout: timeout * 2,
    connectionTimeout: timeout * 2,
    greetingTimeout: timeout * 2,
    socketTimeout: timeout * 2,
    // The answer that counts has been given.
    socketCloseTimeout: 1000,
  };
}

async function readCa(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `the file of smtp.ca cannot be read: ${path}`, { kind: 'usage', cause });
  });
  if (text.includes('-----BEGIN CERTIFICATE-----')) return text;
  throw new HoldfastError('ALERT_CERTIFICATE', `the file of smtp.ca holds no certificate: ${path}`, {
    kind: 'usage',
    hint: 'It must be in PEM form: text that begins with -----BEGIN CERTIFICATE-----.',
  });
}
