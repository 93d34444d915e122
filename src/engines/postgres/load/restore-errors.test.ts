import { expect, test } from 'vitest';
import { HoldfastError } from '../../../base/errors.ts';
import { restoreError } from './restore-errors.ts';

const at = { host: 'db', port: 5432, user: 'shop', database: 'shop', connectTimeoutMs: 10_000 };

test.each([
  ['relation "public.orders" does not exist', 'name it as well'],
  ['schema "S two" does not exist', 'name it as well'],
  ['schema "ext" already exists', 'Rename it'],
  ['deadlock detected', '--jobs 1'],
  ['syntax error at or near "lead"', 'holdfast doctor'],
])('the advice fits to what failed (%s)', (said, advice) => {
  const stderr = `psql:<stdin>:7: ERROR:  ${said}\nLINE 1: does not exist, already exists`;
  const failure = new HoldfastError('TOOL_FAILED', 'psql ended with status 3', {
    details: { tool: 'psql', status: 3, signal: null, stderr },
  });
  const error = restoreError(failure, at);
  expect(error).toMatchObject({ code: 'RESTORE_FAILED', message: expect.stringContaining(said) });
  expect((error as HoldfastError).hint).toContain(advice);
});
