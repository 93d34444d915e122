export interface NocodbServer {
  name: 'SQLite' | 'PostgreSQL';
  url: string;
  token: string;
}

/** Why nothing is tested, where nothing is. */
export const noServer =
  'no NocoDB is named: set HOLDFAST_TEST_NOCODB_URL and _TOKEN (SQLite), or HOLDFAST_TEST_NOCODB_PG_URL and _PG_TOKEN (PostgreSQL)';

/** The servers that the environment names; they may be written to. */
export function nocodbServers(): NocodbServer[] {
  const named = [
    { name: 'SQLite', url: process.env['HOLDFAST_TEST_NOCODB_URL'], token: process.env['HOLDFAST_TEST_NOCODB_TOKEN'] },
    {
      name: 'PostgreSQL',
      url: process.env['HOLDFAST_TEST_NOCODB_PG_URL'],
      token: process.env['HOLDFAST_TEST_NOCODB_PG_TOKEN'],
    },
  ] as const;
  return named.flatMap(({ name, url, token }) => (url && token ? [{ name, url, token }] : []));
}
