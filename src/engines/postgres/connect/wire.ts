import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The protocol's cancel request: a connection of its own, answered by nothing but its end. */
export function requestCancel(
  address: { host: string; port: number },
  pid: number,
  secretKey: number,
  tunnel: (() => Duplex) | null | undefined,
): void {
  const request = Buffer.alloc(16);
  request.writeInt32BE(16, 0);
  request.writeInt32BE(80_877_102, 4);
  request.writeInt32BE(pid, 8);
  request.writeInt32BE(secretKey, 12);
  const way = tunnel ? asSocket(tunnel()) : new Socket();
  way.on('error', () => undefined);
  way.once('connect', () => way.end(request));
  way.setTimeout(2000, () => way.destroy());
  if (address.host.startsWith('/')) way.connect(`${address.host}/.s.PGSQL.${address.port}`);
  else way.connect(address.port, address.host);
  way.resume();
}

/** The driver treats what it is given as a socket: a tunnel is connected from its beginning. */
export function asSocket(stream: Duplex): Socket {
  const nothing = () => stream;
  return Object.assign(stream, {
    connect: () => {
      process.nextTick(() => stream.emit('connect'));
      return stream;
    },
    setNoDelay: nothing,
    setKeepAlive: nothing,
    setTimeout: nothing,
    ref: nothing,
    unref: nothing,
  }) as Duplex as Socket;
}
