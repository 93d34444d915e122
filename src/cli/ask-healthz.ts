import type { RequestOptions } from 'node:http';
import { nodeHttp } from '../base/node-http.ts';

export interface Answer {
  /** Null when there was none. */
  status: number | null;
}

const limitMs = 5_000;

/** Asks a daemon's server for /healthz; its address is as in the daemon's record. Never rejects. */
export async function askHealthz(address: string, signal: AbortSignal): Promise<Answer> {
  const within = AbortSignal.any([signal, AbortSignal.timeout(limitMs)]);
  return new Promise((resolve) => {
    const none = () => resolve({ status: null });
    const wanted = { ...placeOf(address), path: '/healthz', agent: false, signal: within };
    const asked = nodeHttp().request(wanted, (response) => {
      response.resume();
      response.once('close', none);
      response.once('end', () => resolve({ status: response.statusCode ?? null }));
    });
    asked.once('error', none);
    asked.end();
  });
}

/** A server that listens on every address is asked on loopback. */
function placeOf(address: string): RequestOptions {
  if (address.startsWith('unix:')) return { socketPath: address.slice('unix:'.length), headers: { host: 'localhost' } };
  const { hostname, port } = new URL(address);
  const everywhere: Record<string, string> = { '0.0.0.0': '127.0.0.1', '[::]': '::1' };
  return { host: everywhere[hostname] ?? hostname.replaceAll(/[[\]]/g, ''), port: Number(port || 80) };
}
