import { z } from 'zod';
import { duration } from './fields.ts';

type Policy = 'fail' | 'warn';

interface Hook {
  program: string;
  args: string[];
  timeoutMs: number;
  onFailure: Policy;
  env: Record<string, string>;
}

const word = z.string({ error: 'must be a text' }).regex(/^[^\0]*$/, 'must not contain a NUL');
const program = word.min(1, 'must not be empty');

const words = z
  .array(word, { error: 'must be a list of words: the program, then each of its arguments' })
  .min(1, 'must name a program')
  .refine(([first]) => first !== '', 'must name a program');

/** Ours, and what would be read by a Holdfast that the hook calls, come from elsewhere. */
const environment = z.record(
  z
    .string()
    .regex(/^(?!HOOK_)[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable that does not begin with HOOK_'),
  z.union([word, z.number(), z.boolean()], { error: 'must be a text' }).transform(String),
);

const sideBySide = 'must be a list of words such as [systemctl, stop, shop], or a map with run or shell';

/** One command. A text is one program without arguments: words are never cut out of a text, and no shell is used unasked. */
function hook(policy: Policy, moment: string) {
  const map = z
    .strictObject({
      run: words.optional().meta({ description: 'The program and its arguments, each a word; no shell.' }),
      shell: program.optional().meta({ description: 'A line for /bin/sh; nothing is filled in, $HOOK_SOURCE is.' }),
      timeout: duration(1000).prefault('5m').meta({ description: 'Then it is ended, with all that it started.' }),
      onFailure: z
        .enum(['fail', 'warn'])
        .default(policy)
        .meta({ description: 'fail: the run fails. warn: a warning in its log.' }),
      env: environment.default({}).meta({ description: 'Further variables; the place for secrets.' }),
    })
    .superRefine(({ run, shell }, context) => {
      const problem = (message: string) => context.addIssue({ code: 'custom', message });
      if (run === undefined && shell === undefined) problem('needs run or shell');
      if (run !== undefined && shell !== undefined) problem('has both run and shell; only one is allowed');
    })
    .transform(({ run, shell, timeout, onFailure, env }): Hook => {
      const [first = '', ...args] = run ?? ['/bin/sh', '-c', shell ?? ''];
      return { program: first, args, timeoutMs: timeout, onFailure, env };
    });
  const bare = words.transform(([first = '', ...args]): Hook => plain(first, args, policy));
  const text = z
    .string({ error: sideBySide })
    .min(1, 'must not be empty')
    .refine((written) => !/\s/.test(written), {
      error: 'has spaces: write a list of words such as [systemctl, stop, shop], or { shell: "…" } for a line of shell',
    })
    .transform((written): Hook => plain(written, [], policy));
  return z.union([text, bare, map]).nullable().default(null).meta({ description: moment });
}

function plain(name: string, args: string[], onFailure: Policy): Hook {
  return { program: name, args, timeoutMs: 5 * 60_000, onFailure, env: {} };
}

function moments(what: string) {
  return {
    before: hook('fail', `Before ${what}; when it fails, nothing is done.`),
    after: hook('warn', `After ${what} that succeeded.`),
    failed: hook('warn', `After ${what} that failed or was stopped.`),
  };
}

/** Commands around the backups of a source, and around restores that replace its live database. */
export const hooksSchema = z.strictObject({
  ...moments('a backup'),
  restore: z
    .strictObject(moments('a restore'))
    .prefault({})
    .meta({ description: 'Around a restore into the live database.' }),
});
