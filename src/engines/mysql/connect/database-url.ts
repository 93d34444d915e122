import { noSsl, type ServerParts } from '../../shared/server-settings.ts';
import { readServerUrl } from '../../shared/server-url.ts';
import type { SslMode, SslSettings } from './tls.ts';

interface AddressParts extends ServerParts<SslMode> {
  socket?: string;
}

export function readDatabaseUrl(text: string): { parts: AddressParts; problems: string[] } {
  const { parts: read, query, problems } = readServerUrl(text, ['mysql', 'mariadb']);
  const parts: AddressParts = read;
  applyParameters(parts, query, problems);
  return { parts, problems };
}

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
  const ssl: SslSettings = { ...noSsl };
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
