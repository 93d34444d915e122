import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { SMTPServer } from 'smtp-server';

export interface ReceivedMail {
  from: string;
  to: string[];
  /** As it came over the wire. */
  raw: string;
  /** Whether the connection was encrypted. */
  secure: boolean;
  user: string | null;
}

export interface SmtpSettings {
  tls: 'starttls' | 'tls' | 'none';
  certificate?: { key: string; cert: string };
  /** Without: nobody has to log in. */
  login?: { user: string; password: string };
}

export interface TestSmtpServer extends AsyncDisposable {
  port: number;
  mails: ReceivedMail[];
  /** How many conversations began. */
  connections(): number;
  /** Answers a step of the conversation with an error (`login`, `from`, `data`, a recipient); null: accepts again. */
  refuse(refusal: { at: string; code: number; text: string } | null): void;
}

/** A real mail server, which keeps what it was given. */
export async function startSmtpServer({ tls, certificate, login }: SmtpSettings): Promise<TestSmtpServer> {
  const mails: ReceivedMail[] = [];
  let connections = 0;
  let refusal: Parameters<TestSmtpServer['refuse']>[0] = null;
  const problem = (...at: string[]) =>
    refusal !== null && at.includes(refusal.at)
      ? Object.assign(new Error(refusal.text), { responseCode: refusal.code })
      : null;
  const server = new SMTPServer({
    ...certificate,
    secure: tls === 'tls',
    hideSTARTTLS: tls !== 'starttls',
    authOptional: login === undefined,
    allowInsecureAuth: true,
    disabledCommands: [...(login === undefined ? ['AUTH'] : []), ...(tls === 'none' ? ['STARTTLS'] : [])],
    disableReverseLookup: true,
    logger: false,
    onConnect: (_session, done) => {
      connections += 1;
      done();
    },
    onAuth: ({ username, password }, _session, done) => {
      const failed = problem('login');
      if (failed) return done(failed);
      if (username === login?.user && password === login?.password) return done(null, { user: username });
      done(Object.assign(new Error(`5.7.8 no such login: ${username} with ${password}`), { responseCode: 535 }));
    },
    onMailFrom: (_address, _session, done) => done(problem('from')),
    onRcptTo: ({ address }, _session, done) => done(problem(address)),
    onData: (stream, session, done) => {
      const failed = problem('data');
      buffer(stream).then((raw) => {
        if (failed) return done(failed);
        const { mailFrom, rcptTo } = session.envelope;
        mails.push({
          from: mailFrom === false ? '' : mailFrom.address,
          to: rcptTo.map(({ address }) => address),
          raw: raw.toString('utf8'),
          secure: session.secure,
          user: typeof session.user === 'string' ? session.user : null,
        });
        done();
      }, done);
    },
  });
  server.on('error', () => undefined); // a client that does not like the certificate
  server.listen(0, '127.0.0.1');
  await once(server.server, 'listening');
  return {
    port: (server.server.address() as AddressInfo).port,
    mails,
    connections: () => connections,
    refuse: (next) => (refusal = next),
    [Symbol.asyncDispose]: async () => {
      if (server.server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** A server that takes connections and never says anything. */
export async function startSilence(): Promise<{ port: number; connections(): number } & AsyncDisposable> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => sockets.size,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

export interface MailPart {
  type: string;
  headers: Map<string, string>;
  text: string;
}

/** The headers of a mail, and its parts, decoded. */
export function readMail(raw: string): { headers: Map<string, string>; lines: string[]; parts: MailPart[] } {
  const { headers, lines } = split(raw);
  return { headers, lines, parts: partsOf(raw) };
}

function split(raw: string): { headers: Map<string, string>; lines: string[]; body: string } {
  const end = raw.indexOf('\r\n\r\n');
  const lines = raw
    .slice(0, end)
    .replaceAll(/\r\n[ \t]+/g, ' ')
    .split('\r\n');
  const headers = new Map(
    lines.map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()]),
  );
  return { headers, lines, body: raw.slice(end + 4) };
}

function partsOf(raw: string): MailPart[] {
  const { headers, body } = split(raw);
  const type = headers.get('content-type') ?? 'text/plain';
  const boundary = /boundary="([^"]+)"/.exec(type)?.[1];
  if (boundary !== undefined) {
    return body
      .split(`--${boundary}`)
      .slice(1, -1)
      .flatMap((part) => partsOf(part.replace(/^\r\n/, '').replace(/\r\n$/, '')));
  }
  return [{ type, headers, text: decode(body, headers.get('content-transfer-encoding') ?? '7bit') }];
}

function decode(body: string, encoding: string): string {
  if (encoding === 'base64') return Buffer.from(body, 'base64').toString('utf8').replaceAll('\r\n', '\n');
  if (encoding !== 'quoted-printable') return body.replaceAll('\r\n', '\n');
  const bytes = body
    .replaceAll('=\r\n', '')
    .replaceAll(/=([0-9A-F]{2})/g, (_whole, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, 'latin1').toString('utf8').replaceAll('\r\n', '\n');
}

/** A header with words in it that are not ASCII, as people see it. */
export function decodeWords(header: string): string {
  return header
    .replaceAll(/\?=\s+=\?/g, '?==?')
    .replaceAll(/=\?utf-8\?([QB])\?([^?]*)\?=/gi, (_whole, kind: string, text: string) =>
      kind.toUpperCase() === 'B'
        ? Buffer.from(text, 'base64').toString('utf8')
        : decode(text.replaceAll('_', ' '), 'quoted-printable'),
    );
}
