import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** The pages for browsers. */
export interface Console {
  /** Answers when the address is one of the console's; false leaves it to whoever else is there. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean;
}

interface StaticFile {
  content: Buffer;
  type: string;
  etag: string;
  /** Its name has a digest of its content in it. */
  lasting: boolean;
  encodings: { name: 'br' | 'gzip'; content: Buffer }[];
}

const types: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};
const packed = [
  { name: 'br', suffix: '.br' },
  { name: 'gzip', suffix: '.gz' },
] as const;
/** Below these live programs: a page there would be taken for their answer. */
const notPages = /^\/(api|metrics|healthz|assets)(\/|$)/;
/** Stands in the built page where each answer has a value of its own. */
const noncePlace = '__STYLE_NONCE__';

/** What `npm run build` made, beside the program in a package and in a checkout alike; null when it was not built. */
export function consoleFolder(): string | null {
  const folders = ['ui', '../../dist/ui'].map((path) => fileURLToPath(new URL(path, import.meta.url)));
  return folders.find((folder) => existsSync(join(folder, 'index.html'))) ?? null;
}

/** Everything is read once, a few megabytes: no address leads to any other file, and an upgrade underneath breaks no page. */
export function openConsole(folder: string | null): Console {
  if (folder === null) return { answer: sayHowToBuild };
  const files = listFiles(folder);
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  return {
    answer: (request, reply) => {
      const path = readable(request);
      if (path === null) return false;
      const found = files.get(path);
      if (found) sendFile(found, request, reply);
      else if (notPages.test(path)) return false;
      else sendPage(page, reply);
      return true;
    },
  };
}

function readable({ method, url }: FastifyRequest): string | null {
  if (method !== 'GET' && method !== 'HEAD') return null;
  return url.split('?')[0] ?? url;
}

function listFiles(folder: string): Map<string, StaticFile> {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const known = new Set(names);
  const files = names.flatMap((file): [string, StaticFile][] => {
    const type = types[extname(file)];
    if (type === undefined) return [];
    const path = `/${file
      .slice(folder.length)
      .split(sep)
      .filter((part) => part !== '')
      .join('/')}`;
    const content = readFileSync(file);
    const etag = `"${createHash('sha256').update(content).digest('base64url').slice(0, 22)}"`;
    const encodings = packed.flatMap(({ name, suffix }) =>
      known.has(file + suffix) ? [{ name, content: readFileSync(file + suffix) }] : [],
    );
    return [[path, { content, type, etag, lasting: path.startsWith('/assets/'), encodings }]];
  });
  return new Map(files);
}

function sendFile(found: StaticFile, request: FastifyRequest, reply: FastifyReply): void {
  const accepted = [request.headers['accept-encoding'] ?? []].flat().join(',');
  const encoding = found.encodings.find(({ name }) =>
    new RegExp(`\\b${name}\\b(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))`).test(accepted),
  );
  void reply
    .header('cache-control', found.lasting ? 'public, max-age=31536000, immutable' : 'no-cache')
    .header('etag', found.etag)
    .header('vary', 'accept-encoding')
    .type(found.type);
  if (request.headers['if-none-match']?.split(/\s*,\s*/).some((tag) => tag.replace(/^W\//, '') === found.etag)) {
    reply.code(304).send();
    return;
  }
  if (encoding) void reply.header('content-encoding', encoding.name);
  void reply.code(200).send(encoding?.content ?? found.content);
}

/**
 * One page for all addresses of the console. Scripts come from files only. The theme and the locks of scrolling write style
 * elements, which have to show the value of this one answer.
 */
function sendPage(page: string, reply: FastifyReply): void {
  const nonce = randomBytes(16).toString('base64url');
  void reply
    .code(200)
    .headers({
      'content-security-policy': [
        "default-src 'none'",
        "script-src 'self'",
        `style-src 'self' 'nonce-${nonce}'`,
        "img-src 'self' data:",
        "connect-src 'self'",
        "font-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
      ].join('; '),
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    })
    .type('text/html; charset=utf-8')
    .send(page.replaceAll(noncePlace, nonce));
}

function sayHowToBuild(request: FastifyRequest, reply: FastifyReply): boolean {
  if (readable(request) !== '/') return false;
  void reply
    .code(200)
    .type('text/plain; charset=utf-8')
    .send('The console is not built yet: run `npm run build` in the checkout, then start `holdfast serve` again.\n');
  return true;
}
