import { describe, expect, test } from 'vitest';
import { Secret } from '../../../base/secret.ts';
import type { Address } from './connection.ts';
import { toolCommand } from './tool-command.ts';
import type { ClientTools, ToolName } from './tools.ts';

const address: Address = {
  host: 'db.example',
  port: 6543,
  user: "o'hara",
  password: new Secret('the-password'),
  database: 'host=evil',
  ssl: { mode: 'verify-full', ca: '/ca.pem', cert: null, key: null },
  connectTimeoutMs: 10_000,
};
const paths = { pg_dump: '/bin/pg_dump', pg_restore: '/bin/pg_restore', psql: '/bin/psql', pg_dumpall: null };
const onHost: ClientTools = {
  version: '15.1',
  major: 15,
  minor: 1,
  paths,
  container: null,
  codecs: async () => new Set(),
};
const inContainer: ClientTools = {
  ...onHost,
  container: {
    engine: 'docker',
    id: 'c0ffee',
    name: 'shop-db',
    foundBy: 'name',
    inside: (outer) => ({ ...outer, host: '127.0.0.1', port: 5432 }),
  },
};

describe('a call of a client tool', () => {
  test.each(['pg_dump', 'pg_restore', 'psql'] as ToolName[])('T-d2 %s gets host and port like every other', (tool) => {
    const command = toolCommand(onHost, tool, ['--x'], { address });
    expect(command.program).toBe(`/bin/${tool}`);
    expect(command.args.slice(0, 3)).toEqual(['--x', '--no-password', '--dbname']);
    expect(command.args[3]).toMatch(
      /^host='db\.example' port='6543' user='o\\'hara' dbname='host=evil' connect_timeout='10' keepalives_idle=/,
    );
  });

  test('T-d10 the password is in the environment only, here and in a container', () => {
    for (const tools of [onHost, inContainer]) {
      const command = toolCommand(tools, 'pg_dump', [], { address, application: 'holdfast 1' });
      expect(command.args.join(' ')).not.toContain('the-password');
      expect(command.env).toMatchObject({
        PGPASSWORD: 'the-password',
        PGSSLMODE: 'verify-full',
        PGSSLROOTCERT: '/ca.pem',
        PGAPPNAME: 'holdfast 1',
        LC_ALL: 'C',
      });
    }
  });

  test('in a container it speaks to the server as it is seen from there', () => {
    const { program, args } = toolCommand(inContainer, 'pg_dump', ['--format=custom'], { address });
    expect(program).toBe('docker');
    expect(args.slice(0, 2)).toEqual(['exec', '--interactive']);
    expect(args.filter((each) => each === 'PGPASSWORD')).toHaveLength(1);
    expect(args.slice(args.indexOf('c0ffee'))).toEqual([
      'c0ffee',
      '/bin/pg_dump',
      '--format=custom',
      '--no-password',
      '--dbname',
      expect.stringContaining("host='127.0.0.1' port='5432'"),
    ]);
  });

  test('without a server there is no connection; a missing tool is named', () => {
    expect(toolCommand(onHost, 'pg_restore', ['-l'], { address: null })).toEqual({
      program: '/bin/pg_restore',
      args: ['-l'],
      env: { LC_ALL: 'C', PGAPPNAME: 'holdfast' },
    });
    expect(() => toolCommand(onHost, 'pg_dumpall', [], { address })).toThrow(
      expect.objectContaining({ code: 'TOOL_MISSING' }),
    );
  });
});
