import { noSsl, type ServerParts } from '../../shared/server-settings.ts';
import { readServerUrl } from '../../shared/server-url.ts';
import type { SslMode, SslSettings } from './tls.ts';

type AddressParts = ServerParts<SslMode>;

export function readDatabaseUrl(text: string): { parts: AddressParts; problems: string[] } {
  const { parts: read, query, problems } = readServerUrl(text, ['postgres', 'postgresql']);
  const parts: AddressParts = read;
  applyParameters(parts, query, problems);
  return { parts, problems };
}

/** Written by other drivers and ORMs for themselves; they say nothing about which server and database is meant. */
const meantForOthers = new Set([
  'application_name',
  'channel_binding',
  'connection_limit',
  'fallback_application_name',
  'keepalives',
  'pgbouncer',
  'pool_timeout',
  'schema',
  'socket_timeout',
  'statement_cache_size',
  'uselibpqcompat',
]);

function applyParameters(parts: AddressParts, query: URLSearchParams, problems: string[]): void {
  const ssl: SslSettings = { ...noSsl };
  let sslGiven = false;
  for (const [name, value] of query) {
    if (name === 'sslmode' || name === 'ssl') {
      const mode = sslModes[value];
      if (mode) ssl.mode = mode;
      else problems.push(`has an unknown ${name}`);
      sslGiven = true;
    } else if (name === 'sslrootcert' || name === 'sslcert' || name === 'sslkey') {
      ssl[name === 'sslrootcert' ? 'ca' : name === 'sslcert' ? 'cert' : 'key'] = value;
      sslGiven = true;
    } else if (name === 'host') parts.host = value;
    else if (name === 'port' && /^\d{1,5}$/.test(value)) parts.port = Number(value);
    else if (name === 'user') parts.user = value;
    else if (name === 'password') parts.password = value;
    else if (name === 'dbname') parts.database = value;
    else if (name === 'connect_timeout' && /^\d{1,5}$/.test(value)) {
      if (value !== '0') parts.connectTimeoutMs = Number(value) * 1000;
    } else if (!meantForOthers.has(name)) problems.push(`has a parameter that is not understood: ${name}`);
  }
  if (sslGiven) parts.ssl = ssl;
}

const sslModes: Record<string, SslMode | undefined> = {
  disable: 'disable',
  allow: 'allow',
  prefer: 'prefer',
  require: 'require',
  'verify-ca': 'verify-ca',
  'verify-full': 'verify-full',
  'no-verify': 'require',
  true: 'require',
  false: 'disable',
};
