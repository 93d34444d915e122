import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface Moving {
  from: string;
  to: string;
  /** Moves the next file of it; false when there is none left, and the folder itself is moved. */
  step(): boolean;
  /** The first answer counts. */
  answer(status: number): void;
}

export interface SlowWebdavServer extends AsyncDisposable {
  url: string;
  /** Paths below the root with their content; null for folders. */
  held: Map<string, Buffer | null>;
  files(): string[];
  /** What is being read at the moment: some servers have it locked. */
  readonly reading: ReadonlySet<string>;
  /** All that is held was changed so long ago. */
  agoMs: number;
  /** What is done with a MOVE; by default all of it at once. */
  onMove: (moving: Moving) => void | Promise<void>;
}

/**
 * A WebDAV server whose folders are moved file by file, as those in front of a bucket do it, the last name first. What it answers meanwhile
 * is up to the test, because a proxy may answer in its place.
 */
export async function startSlowWebdav(): Promise<SlowWebdavServer> {
  const held = new Map<string, Buffer | null>([['', null]]);
  const reading = new Set<string>();
  const below = (path: string) => [...held.keys()].filter((key) => key.startsWith(path === '' ? '' : `${path}/`));
  const server = createServer(async (request, response) => {
    const path = pathOf(request.url ?? '/');
    const body = await buffer(request).catch(() => null);
    if (body === null) return;
    const end = (status: number, text: Buffer | string = '') => {
      if (!response.headersSent) response.writeHead(status).end(text);
    };
    const known = held.get(path);
    if (request.method === 'PUT') {
      held.set(path, body);
      end(201);
    } else if (request.method === 'MKCOL') {
      if (known === undefined) held.set(path, null);
      end(known === undefined ? 201 : 405);
    } else if (request.method === 'GET') {
      if (known) {
        reading.add(path);
        response.once('close', () => reading.delete(path));
        end(200, known);
      } else end(404);
    } else if (request.method === 'DELETE') {
      for (const key of [path, ...below(path)]) held.delete(key);
      end(known === undefined ? 404 : 204);
    } else if (request.method === 'PROPFIND') {
      const depth = request.headers.depth === '1' ? 1 : 0;
      if (known === undefined) return end(404);
      const inside = below(path).filter((key) => key !== path && !key.slice(path.length + 1).includes('/'));
      list(response, [path, ...(depth === 1 ? inside : [])], api);
    } else if (request.method === 'MOVE') {
      const to = pathOf(new URL(String(request.headers.destination)).pathname);
      if (known === undefined) return end(404);
      if (held.has(to)) return end(412);
      const step = () => {
        const all = [path, ...below(path)].filter((key) => held.has(key));
        for (const key of all) if (held.get(key) === null) held.set(to + key.slice(path.length), null);
        const next = all.toSorted().findLast((key) => held.get(key));
        if (next !== undefined) {
          held.set(to + next.slice(path.length), held.get(next) ?? null);
          held.delete(next);
        } else for (const key of all) held.delete(key);
        return next !== undefined;
      };
      await api.onMove({ from: path, to, step, answer: (status) => end(status) });
    } else end(405);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const api: SlowWebdavServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    held,
    reading,
    agoMs: 0,
    files: () => [...held].flatMap(([path, content]) => (content === null ? [] : [path])).toSorted(),
    onMove: (moving) => {
      while (moving.step());
      moving.answer(201);
    },
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
    },
  };
  return api;
}

function pathOf(url: string): string {
  return decodeURIComponent(url).replaceAll(/^\/+|\/+$/g, '');
}

function list(response: ServerResponse, paths: readonly string[], { held, agoMs }: SlowWebdavServer): void {
  const changed = new Date(Date.now() - agoMs).toUTCString();
  const entries = paths.map((path) => {
    const content = held.get(path) ?? null;
    const type = content === null ? '<d:resourcetype><d:collection/></d:resourcetype>' : '<d:resourcetype/>';
    const size = content === null ? '' : `<d:getcontentlength>${content.length}</d:getcontentlength>`;
    const facts = `${type}${size}<d:getlastmodified>${changed}</d:getlastmodified>`;
    return `<d:response><d:href>/${encodeURI(path)}</d:href><d:propstat><d:prop>${facts}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>`;
  });
  response.writeHead(207, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">${entries.join('')}</d:multistatus>`);
}
