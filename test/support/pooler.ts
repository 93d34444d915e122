import { createServer, type AddressInfo, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Client } from 'pg';
import type { TestPostgres } from './postgres.ts';

export interface TestPooler extends AsyncDisposable {
  host: string;
  port: number;
}

interface Link {
  stream: Duplex;
  end(): Promise<void>;
}

/**
 * Stands before a server as PgBouncer does: with `transaction`, sessions take turns at one session of the server and keep it for as long as a
 * transaction; with `session`, each has one of its own. Everybody is let in, and reaches `database`; `called`: only under this name.
 */
export async function startPooler(
  server: TestPostgres,
  database: string,
  mode: 'transaction' | 'session',
  called?: string,
): Promise<TestPooler> {
  const links: Link[] = [];
  const open = async (asked?: string): Promise<Link> => {
    const link = await linkTo(
      server,
      asked === undefined || called === undefined || asked === called ? database : asked,
    );
    links.push(link);
    return link;
  };
  const shared = mode === 'transaction' ? await open() : null;
  let turn: Promise<void> = Promise.resolve();
  const takeTurn = async () => {
    const before = turn;
    const mine = Promise.withResolvers<void>();
    turn = mine.promise;
    await before;
    return mine.resolve;
  };
  const sockets = new Set<Socket>();
  const listener = createServer((socket) => {
    sockets.add(socket);
    const alone = async () => () => undefined;
    // Whoever hangs up in the middle is gone, and that is all.
    serve(socket, shared ? async () => shared : open, shared ? takeTurn : alone).catch(() => undefined);
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  return {
    host: '127.0.0.1',
    port,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => void listener.close(() => resolve()));
      for (const link of links) await link.end();
    },
  };
}

/** A session of the server whose bytes are ours once the driver has logged in. */
async function linkTo(server: TestPostgres, database: string): Promise<Link> {
  const { host, port, user, password } = server;
  const client = new Client({ host, port, user, password, database });
  client.on('error', () => undefined);
  await client.connect();
  const { stream } = Reflect.get(client, 'connection') as { stream: Duplex };
  stream.removeAllListeners('data');
  const gone = new Promise<void>((resolve) => void stream.once('close', () => resolve()));
  const end = () => {
    stream.destroy();
    return gone;
  };
  return { stream, end };
}

async function serve(
  socket: Socket,
  open: (asked: string) => Promise<Link>,
  takeTurn: () => Promise<() => void>,
): Promise<void> {
  let asked = '';
  const packets = packetsOf(socket);
  let link: Link | null = null;
  for await (const packet of packets) {
    if (packet === 'tls') socket.write('N');
    else if ('database' in packet) {
      asked = packet.database;
      socket.write(welcome);
    } else if (packet[0] === letter('X')) break;
    else {
      link ??= await open(asked);
      const release = await takeTurn();
      await passOn(link.stream, socket, packet, packets);
      release();
    }
  }
  socket.end();
}

/** From the first message of a transaction to the moment in which the server says that it is over. */
async function passOn(stream: Duplex, socket: Socket, first: Buffer, packets: AsyncGenerator<Packet>): Promise<void> {
  let over = false;
  let seen = Buffer.alloc(0);
  let ready = Promise.withResolvers<void>();
  const onData = (bytes: Buffer) => {
    socket.write(bytes);
    seen = Buffer.concat([seen, bytes]);
    while (seen.length >= 5 && seen.length >= 1 + seen.readInt32BE(1)) {
      if (seen[0] === letter('Z')) {
        over = seen[5] === letter('I');
        ready.resolve();
      }
      seen = seen.subarray(1 + seen.readInt32BE(1));
    }
  };
  stream.on('data', onData);
  for (let packet: Buffer = first; ;) {
    stream.write(packet);
    if (packet[0] === letter('Q') || packet[0] === letter('S')) {
      await ready.promise;
      ready = Promise.withResolvers<void>();
      if (over) break;
    }
    const { value, done } = await packets.next();
    if (done || !(value instanceof Buffer) || value[0] === letter('X')) break;
    packet = value;
  }
  stream.off('data', onData);
}

type Packet = Buffer | 'tls' | { database: string };

async function* packetsOf(socket: Socket): AsyncGenerator<Packet> {
  let held = Buffer.alloc(0);
  let started = false;
  for await (const bytes of socket as AsyncIterable<Buffer>) {
    held = Buffer.concat([held, bytes]);
    for (;;) {
      const head = started ? 1 : 0;
      if (held.length < head + 4) break;
      const length = head + held.readInt32BE(head);
      if (held.length < length) break;
      const packet = held.subarray(0, length);
      held = held.subarray(length);
      if (started) yield packet;
      else if (packet.readInt32BE(4) === 80_877_103) yield 'tls';
      else {
        started = true;
        yield { database: /\0database\0([^\0]*)\0/.exec(packet.toString('utf8'))?.[1] ?? '' };
      }
    }
  }
}

function letter(text: string): number {
  return text.charCodeAt(0);
}

function message(kind: string, ...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(5 + 4 * numbers.length);
  bytes.write(kind);
  bytes.writeInt32BE(4 + 4 * numbers.length, 1);
  numbers.forEach((number, index) => bytes.writeInt32BE(number, 5 + 4 * index));
  return bytes;
}

/** Let in, with the number of a process that there is not, and ready. */
const welcome = Buffer.concat([
  message('R', 0),
  message('K', 123_456_789, 1),
  Buffer.from([letter('Z'), 0, 0, 0, 5, letter('I')]),
]);
