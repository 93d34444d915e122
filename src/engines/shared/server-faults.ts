import type { ErrorFacts } from '../../base/errors.ts';

/** What goes wrong in the same way with every server. */
export type ServerFault =
  | 'unreachable'
  | 'too-many'
  | 'disk-full'
  | 'local-disk-full'
  | 'exists'
  | 'tls-refused'
  | 'tls-failed';

export interface Description extends Pick<ErrorFacts, 'hint' | 'retryable' | 'kind'> {
  code: string;
  message: string;
}

/** `where`: the server. `words`: its own, or those of the tool. */
export function describeServerFault(
  fault: ServerFault,
  { where, words, tool }: { where: string; words: string; tool: string | undefined },
): Description {
  switch (fault) {
    case 'unreachable':
      return {
        code: 'DATABASE_UNREACHABLE',
        message: `no connection to the server at ${where}: ${words}`,
        hint: 'Check that the server runs, that host and port are right, and that no firewall is in between.',
        retryable: true,
      };
    case 'too-many':
      return {
        code: 'DATABASE_TOO_MANY_CONNECTIONS',
        message: `the server at ${where} has no free connection: ${words}`,
        hint: 'End idle sessions, raise max_connections, or lower dump.jobs.',
        retryable: true,
      };
    case 'disk-full':
      return {
        code: 'DATABASE_DISK_FULL',
        message: `the server at ${where} has no space left: ${words}`,
        hint: "Free some space on the server's disk.",
      };
    case 'local-disk-full':
      return {
        code: 'DISK_FULL',
        message: `${tool ?? 'the tool'} could not write: ${words}`,
        hint: 'Free some space, then try again.',
      };
    case 'exists':
      return { code: 'DATABASE_EXISTS', message: words, hint: 'Choose another name, or drop the database first.' };
    case 'tls-refused':
      return {
        code: 'DATABASE_TLS_REFUSED',
        message: `the server at ${where} does not offer TLS`,
        hint: 'Turn TLS on at the server, or set ssl: disable when the way to it is trusted.',
      };
    case 'tls-failed':
      return {
        code: 'DATABASE_TLS_FAILED',
        message: `TLS with ${where} failed: ${words}`,
        hint: "Give the authority's certificate under ssl.ca; with verify-full the certificate must name this host.",
      };
  }
}
