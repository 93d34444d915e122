import { createHash } from 'node:crypto';
import { formatDuration } from '../../base/units.ts';
import type { Ping } from '../channel.ts';
import { clean, clip, clipBytes, oneLine } from '../outline.ts';
import type { Post } from '../post.ts';
import type { PingOptions } from './options.ts';

/** What healthchecks keeps at least, in every installation. */
const longestBody = 10_000;
const longestWords = 250;

/** The request for a sign of life; null where there is nothing to call. */
export function pingRequest(ping: Ping, options: PingOptions): Post | null {
  if (!options.operations.includes(ping.operation)) return null;
  const own = options[ping.phase];
  if (own !== undefined) return { url: filled(own, ping), headers: plainText, body: bodyOf(ping) };
  if (options.url === undefined) return null;
  const url = new URL(filled(options.url, ping));
  return styleOf(url, options) === 'uptime-kuma' ? kumaRequest(url, ping) : healthchecksRequest(url, ping);
}

const plainText = { 'content-type': 'text/plain; charset=utf-8' };

function styleOf(url: URL, { style }: PingOptions): 'healthchecks' | 'uptime-kuma' {
  if (style !== 'auto') return style;
  return /\/api\/push\/[^/]+\/?$/.test(url.pathname) ? 'uptime-kuma' : 'healthchecks';
}

/** A push monitor is up or down; it knows no start. What its copied address says already is replaced. */
function kumaRequest(url: URL, ping: Ping): Post | null {
  if (ping.phase === 'start') return null;
  url.searchParams.set('status', ping.phase === 'success' ? 'up' : 'down');
  url.searchParams.set('msg', wordsOf(ping));
  url.searchParams.set('ping', ping.durationMs === null ? '' : String(Math.round(ping.durationMs)));
  return { url: url.href, method: 'GET' };
}

function healthchecksRequest(url: URL, ping: Ping): Post {
  const phases = { start: '/start', success: '', fail: '/fail' };
  url.pathname = `${url.pathname.replace(/\/+$/, '')}${phases[ping.phase]}`;
  // Start and end of a run are told to be of one, so that its duration is measured even when runs overlap.
  url.searchParams.set('rid', uuidOf(`${ping.instance} ${ping.run}`));
  return { url: url.href, headers: plainText, body: bodyOf(ping) };
}

/** Where checks have names, those hold letters, digits, dashes and underscores. */
function filled(address: string, { source, operation }: Ping): string {
  const named = (name: string) => encodeURIComponent(name.replaceAll('.', '-'));
  return address.replaceAll('{source}', named(source ?? 'all')).replaceAll('{operation}', named(operation));
}

function wordsOf({ phase, operation, source, detail }: Ping): string {
  const subject = source === null ? operation : `${operation} of ${source}`;
  const end = { start: 'started', success: 'succeeded', fail: 'failed' }[phase];
  return clip(oneLine(`${subject} ${end}${detail === null ? '' : `: ${detail}`}`), longestWords);
}

function bodyOf(ping: Ping): string {
  const { instance, run, durationMs, detail } = ping;
  const lines = [
    wordsOf({ ...ping, detail: null }),
    `Instance: ${oneLine(instance)}`,
    `Run: ${run}`,
    ...(durationMs === null ? [] : [`Duration: ${formatDuration(durationMs)}`]),
    ...(detail === null ? [] : ['', clean(detail)]),
  ];
  return clipBytes(lines.join('\n'), longestBody);
}

/** A UUID that the same text always gives (version 8: of the program's own making). */
function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  const variant = ((Number.parseInt(hex.charAt(16), 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
