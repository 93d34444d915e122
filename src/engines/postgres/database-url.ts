import type { SslMode, SslSettings } from './tls.ts';

export interface AddressParts {
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
  ssl?: SslSettings;
  connectTimeoutMs?: number;
}

/** Reads `postgres://user:password@host:port/name?parameters`. Problems never repeat the address: it may hold a password. */
export function readDatabaseUrl(text: string): { parts: AddressParts; problems: string[] } {
  const match = pattern.exec(text.trim());
  if (!match) return { parts: {}, problems: ['must look like postgres://user:password@host:port/name'] };
  const { user, password, host, port, name, query } = match.groups as Record<string, string | undefined>;
  const problems: string[] = [];
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      problems.push('has a % that does not begin a percent-encoded character; write it as %25');
      return part;
    }
  };
  if (host?.includes(',')) problems.push('names several hosts; one is needed');
  const parts: AddressParts = {
    ...(user ? { user: decode(user) } : {}),
    ...(password ? { password: decode(password) } : {}),
    ...(host ? { host: decode(host.replace(/^\[(.*)\]$/, '$1')) } : {}),
    ...(port ? { port: Number(port) } : {}),
    ...(name ? { database: decode(name) } : {}),
  };
  if (parts.port !== undefined && (parts.port < 1 || parts.port > 65_535))
    problems.push('has a port that does not exist');
  if (Object.values(parts).some((part) => String(part).includes('\0')))
    problems.push('must not contain a NUL character');
  applyParameters(parts, new URLSearchParams(query ?? ''), problems);
  return { parts, problems };
}

// Not `new URL`: it refuses percent-encoded socket folders as hosts and passwords that many people leave unencoded.
const pattern =
  /^(?:postgres|postgresql):\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>\d{1,6}))?(?:\/(?<name>[^?]*))?(?:\?(?<query>.*))?$/s;

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
  const ssl: SslSettings = { mode: 'prefer', ca: null, cert: null, key: null };
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
