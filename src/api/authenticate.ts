import type { FastifyRequest } from 'fastify';
import type { Access, Principal } from '../access/access.ts';
import { HoldfastError } from '../base/errors.ts';
import { fromOf } from './asker.ts';

export const sessionCookie = 'holdfast_session';
export const sessionSeconds = 7 * 24 * 3600;
/** A page of a stranger cannot add headers of its own to a request that carries our cookie. */
const ownHeader = 'x-holdfast';
const readingMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

const showToken = 'Make one with `holdfast token create`, and send it as `Authorization: Bearer ...`.';

export interface Doorman {
  access: Access;
  /** `https://backups.example.com`, when people use another address than the one it listens at. */
  publicUrl: string | null;
}

/** Who asks: by bearer token, or by the cookie of a session; null when nobody says who they are. */
export function authenticate(request: FastifyRequest, { access, publicUrl }: Doorman): Principal | null {
  const { authorization } = request.headers;
  if (authorization !== undefined) {
    const token = /^Bearer ([\x21-\x7E]{1,1000})$/i.exec(authorization)?.[1];
    const principal = token === undefined ? null : access.byToken(token, fromOf(request));
    if (principal) return principal;
    throw new HoldfastError('TOKEN_WRONG', 'the token is unknown, expired or revoked', {
      kind: 'refused',
      hint: showToken,
    });
  }
  const secret = readCookie(request, sessionCookie);
  const principal = secret === null ? null : access.bySession(secret, fromOf(request));
  if (principal && !readingMethods.has(request.method)) assertOwnPage(request, publicUrl);
  return principal;
}

/** Also for sign-in itself: a stranger's page must not sign people in as somebody else. */
export function notSignedIn(): HoldfastError {
  return new HoldfastError('NOT_SIGNED_IN', 'sign in first, or show a token', {
    kind: 'refused',
    hint: showToken,
  });
}

export function assertOwnPage({ headers }: Pick<FastifyRequest, 'headers'>, publicUrl: string | null): void {
  const { origin, host } = headers;
  const known = origin === undefined || isOwn(origin, host, publicUrl);
  if (known && headers[ownHeader] !== undefined) return;
  throw new HoldfastError('FOREIGN_PAGE', 'this request did not come from a page of this server', {
    kind: 'refused',
    hint: 'Programs use a token; pages send the header x-holdfast. Behind a proxy, set `server.publicUrl`.',
  });
}

function isOwn(origin: string, host: string | undefined, publicUrl: string | null): boolean {
  if (!URL.canParse(origin)) return false;
  if (publicUrl !== null && origin === new URL(publicUrl).origin) return true;
  return new URL(origin).host === host;
}

export function readCookie({ headers }: Pick<FastifyRequest, 'headers'>, wanted: string): string | null {
  for (const pair of (headers.cookie ?? '').split(';')) {
    const [name, value] = pair.split('=').map((part) => part.trim());
    if (name === wanted && value !== undefined && value !== '') return value;
  }
  return null;
}

interface CookieFacts {
  /** Without an age it would end with the browser. */
  seconds: number;
  path: string;
  site: 'Strict' | 'Lax';
  /** Where the address people use is one of TLS. */
  secure: boolean;
}

/** Null ends it. */
export function cookieText(name: string, value: string | null, { seconds, path, site, secure }: CookieFacts): string {
  const facts = [`Path=${path}`, 'HttpOnly', `SameSite=${site}`, `Max-Age=${value === null ? 0 : seconds}`];
  return [`${name}=${value ?? ''}`, ...facts, ...(secure ? ['Secure'] : [])].join('; ');
}
