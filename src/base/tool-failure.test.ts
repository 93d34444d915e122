import { expect, test } from 'vitest';
import { couldNotStart } from './tool-failure.ts';

const fault = (code: string) => Object.assign(new Error(`spawn /usr/bin/pg_dump ${code}`), { code });

test.each([
  ['EAGAIN', 'no more processes may run', 'pids-limit'],
  ['EMFILE', 'this process may have no more files open', 'ulimit -n'],
  ['ENOMEM', 'the machine has no memory left', 'memory|more'],
])('%s says nothing against the program, and what the system is out of', (code, what, hint) => {
  expect(couldNotStart('/usr/bin/pg_dump', fault(code))).toMatchObject({
    code: 'SYSTEM_LIMIT',
    message: `/usr/bin/pg_dump could not be started: ${what}`,
    hint: expect.stringMatching(hint),
    retryable: true,
  });
});

test.each([
  ['ENOENT', 'TOOL_MISSING'],
  ['EACCES', 'TOOL_NOT_STARTED'],
  ['ENOEXEC', 'TOOL_NOT_STARTED'],
])('%s is %s', (code, expected) => {
  expect(couldNotStart('/usr/bin/pg_dump', fault(code))).toMatchObject({ code: expected, retryable: false });
});
