import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { HoldfastError } from '../base/errors.ts';

/** The pages for browsers. */
export interface Console {
  /** Answers when the address is one of the console's; false leaves it to whoever else is there. */
  answer(request: FastifyRequest, reply: FastifyReply): boolean;
}

interface StaticFile {
  file: string;
  type: string;
  etag: string;
  /** Its name has a digest of its content in it. */
  lasting: boolean;
  encodings: { name: 'br' | 'gzip'; file: string }[];
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

/** Which files there are is read once: no address can lead to any other. */
export function openConsole(folder: string | null): Console {
  if (folder === null) return { answer: sayHowToBuild };
  const files = listFiles(folder);
  const page = readFileSync(join(folder, 'index.html'), 'utf8');
  return {
    answer: (request, reply) => {
      const path = readable(request);
      if (path === null) return false;
      const found = files.get(path);
      if (found) void sendFile(found, request, reply);
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
    const etag = `"${createHash('sha256').update(readFileSync(file)).digest('base64url').slice(0, 22)}"`;
    const encodings = packed.flatMap(({ name, suffix }) =>
      known.has(file + suffix) ? [{ name, file: file + suffix }] : [],
    );
    return [[path, { file, type, etag, lasting: path.startsWith('/assets/'), encodings }]];
  });
  return new Map(files);
}

async function sendFile(found: StaticFile, request: FastifyRequest, reply: FastifyReply): Promise<void> {
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
    return void reply.code(304).send();
  }
  try {
    const bytes = await readFile(encoding?.file ?? found.file);
    if (encoding) void reply.header('content-encoding', encoding.name);
    void reply.code(200).send(bytes);
  } catch (cause) {
    // Built anew underneath: the page asks for the new names when it is loaded again.
    const gone = new HoldfastError('ROUTE_UNKNOWN', 'there is nothing at this address', { kind: 'usage', cause });
    void reply.removeHeader('cache-control').removeHeader('etag').send(gone);
  }
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
