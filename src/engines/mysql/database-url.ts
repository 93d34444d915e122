import type { SslMode, SslSettings } from './tls.ts';

export interface AddressParts {
  host?: string;
  port?: number;
  socket?: string;
  user?: string;
  password?: string;
  database?: string;
  ssl?: SslSettings;
  connectTimeoutMs?: number;
}

/** Reads `mysql://user:password@host:port/name?parameters`. Problems never repeat the address: it may hold a password. */
export function readDatabaseUrl(text: string): { parts: AddressParts; problems: string[] } {
  const match = pattern.exec(text.trim());
  if (!match) return { parts: {}, problems: ['must look like mysql://user:password@host:port/name'] };
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

// Not `new URL`: it refuses passwords that many people leave unencoded.
const pattern =
  /^(?:mysql|mariadb):\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>\d{1,6}))?(?:\/(?<name>[^?]*))?(?:\?(?<query>.*))?$/s;

/** Written by drivers and ORMs for themselves; they say nothing about which server and database is meant. */
const meantForOthers = new Set([
  'allowPublicKeyRetrieval',
  'autoReconnect',
  'characterEncoding',
  'charset',
  'collation',
  'connection_limit',
  'connectionLimit',
  'parseTime',
  'pool_timeout',
  'schema',
  'serverTimezone',
  'serverVersion',
  'socket_timeout',
  'timezone',
  'useUnicode',
]);

function applyParameters(parts: AddressParts, query: URLSearchParams, problems: string[]): void {
  const ssl: SslSettings = { mode: 'prefer', ca: null, cert: null, key: null };
  let sslGiven = false;
  for (const [name, value] of query) {
    const file = sslFiles[name.toLowerCase()];
    if (/^(ssl-?mode|ssl|useSSL|tls)$/i.test(name)) {
      const mode = sslModes[value.toLowerCase()];
      if (mode) ssl.mode = mode;
      else problems.push(`has an unknown ${name}`);
      sslGiven = true;
    } else if (file) {
      ssl[file] = value;
      sslGiven = true;
    } else if (name === 'socket' || name === 'unix_socket' || name === 'socketPath') parts.socket = value;
    else if (/^connect_?timeout$/i.test(name) && /^\d{1,5}$/.test(value)) {
      if (value !== '0') parts.connectTimeoutMs = Number(value) * 1000;
    } else if (!meantForOthers.has(name)) problems.push(`has a parameter that is not understood: ${name}`);
  }
  if (sslGiven) parts.ssl = ssl;
}

const sslFiles: Record<string, 'ca' | 'cert' | 'key' | undefined> = {
  sslca: 'ca',
  'ssl-ca': 'ca',
  sslrootcert: 'ca',
  sslcert: 'cert',
  'ssl-cert': 'cert',
  sslkey: 'key',
  'ssl-key': 'key',
};

const sslModes: Record<string, SslMode | undefined> = {
  disable: 'disable',
  disabled: 'disable',
  false: 'disable',
  prefer: 'prefer',
  preferred: 'prefer',
  require: 'require',
  required: 'require',
  true: 'require',
  'skip-verify': 'require',
  verify_ca: 'verify-ca',
  'verify-ca': 'verify-ca',
  verify_identity: 'verify-full',
  'verify-full': 'verify-full',
};
