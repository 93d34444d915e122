/** What an address of a server can say about it; the engine's own parameters come on top. */
export interface UrlParts {
  host?: string;
  port?: number;
  user?: string;
  password?: string;
  database?: string;
}

/** Reads `scheme://user:password@host:port/name?parameters`. Problems never repeat the address: it may hold a password. */
export function readServerUrl(
  text: string,
  schemes: readonly [string, ...string[]],
): { parts: UrlParts; query: URLSearchParams; problems: string[] } {
  const match = pattern.exec(text.trim());
  const {
    scheme = '',
    user,
    password,
    host,
    port,
    name,
    query,
  } = (match?.groups ?? {}) as Record<string, string | undefined>;
  if (!match || !schemes.includes(scheme)) {
    const problem = `must look like ${schemes[0]}://user:password@host:port/name`;
    return { parts: {}, query: new URLSearchParams(), problems: [problem] };
  }
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
  const parts: UrlParts = {
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
  return { parts, query: new URLSearchParams(query ?? ''), problems };
}

// Not `new URL`: it refuses percent-encoded socket folders as hosts and passwords that many people leave unencoded.
const pattern =
  /^(?<scheme>[a-z]+):\/\/(?:(?<user>[^:@/?]*)(?::(?<password>[^@/?]*))?@)?(?<host>\[[^\]]*\]|[^:/?]*)(?::(?<port>\d{1,6}))?(?:\/(?<name>[^?]*))?(?:\?(?<query>.*))?$/s;
