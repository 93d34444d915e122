import { describe, expect, test } from 'vitest';
import { matchTables } from './table-patterns.ts';

const all = [
  { schema: 'public', name: 'users' },
  { schema: 'public', name: 'Users' },
  { schema: 'public', name: 'audit_log' },
  { schema: 'public', name: 'a.b' },
  { schema: 'public', name: 'price$' },
  { schema: 'app', name: 'audit_log' },
  { schema: 'app', name: 'users' },
  { schema: 'app', name: 'sessions' },
  { schema: 'other', name: 'sessions' },
  { schema: 'public', name: 'we"ird' },
  { schema: 'public', name: 'x+y' },
  { schema: 'public', name: '😀' },
];

describe('patterns of tables', () => {
  test.each([
    ['users', ['public.users']],
    ['USERS', ['public.users']],
    ['"Users"', ['public.Users']],
    ['app.users', ['app.users']],
    ['*.audit_log', ['public.audit_log', 'app.audit_log']],
    ['sessions', ['app.sessions']],
    ['other.*', ['other.sessions']],
    ['"a.b"', ['public.a.b']],
    ['public."a.b"', ['public.a.b']],
    ['public.a?b', ['public.a.b']],
    ['"we""ird"', ['public.we"ird']],
    ['x+y', ['public.x+y']],
    ['price$', ['public.price$']],
    ['"*"', []],
    ['public.?', ['public.😀']],
    ['nothing', []],
    ['user', []],
  ])('%s', (pattern, expected) => {
    const matcher = matchTables([pattern], ['public', 'app'], all);
    expect(all.filter((table) => matcher.matches(table)).map(({ schema, name }) => `${schema}.${name}`)).toEqual(
      expected,
    );
    expect(matcher.unused()).toEqual(expected.length === 0 ? [pattern] : []);
  });
});
