import { HoldfastError } from '../../../base/errors.ts';
import { toolFailure } from '../../../base/run-process.ts';
import { toolError } from '../connect/errors.ts';
import { damagedDump, tellsOfDamage, tooOld } from '../read/damaged-dump.ts';
import type { Place } from '../connect/faults.ts';

/** A failed pg_restore or psql that was loading, as our error. */
export function restoreError(error: unknown, address: Place): unknown {
  const failure = toolFailure(error);
  if (!failure) return error;
  const { stderr } = failure;
  for (const [pattern, describe] of causes) {
    const match = pattern.exec(stderr);
    if (!match) continue;
    const { code, message, hint } = describe(match[1] ?? '');
    return new HoldfastError(code, message, { cause: error, hint });
  }
  const old = tooOld(failure, error);
  if (old) return old;
  if (tellsOfDamage(failure) && !/ERROR: /.test(stderr)) return damagedDump(failure, error);
  const translated = toolError(error, address);
  if (translated !== error) return translated;
  return new HoldfastError('RESTORE_FAILED', `${failure.tool} could not restore: ${wordsOf(stderr)}`, {
    cause: error,
    hint: `${adviceFor(stderr)} What the tool said is in the log of the run.`,
    details: { stderr },
    retryable: deadlock.test(stderr),
  });
}

export const deadlock = /ERROR: +deadlock detected$/m;

function adviceFor(stderr: string): string {
  return (
    advice.find(([pattern]) => pattern.test(stderr))?.[1] ?? '`holdfast doctor` tells whether tools and server fit.'
  );
}

const advice: readonly (readonly [RegExp, string])[] = [
  [
    /ERROR: +trigger "RI_ConstraintTrigger_[ac]_\d+" for table .* does not exist$/m,
    'A foreign key is switched off on a partition (`DISABLE TRIGGER ALL`), which pg_dump writes so that no script of it runs: use the format custom or directory.',
  ],
  [
    /ERROR: .* does not exist$/m,
    'It is needed, and not in the database: where a part is restored, name it as well, or restore all of it.',
  ],
  [
    /ERROR: .* already exists$/m,
    'It is in the way, and stays. Rename it, or restore beside the live database with `--into`.',
  ],
  [
    deadlock,
    'Two of the sessions that load at once happened to wait for one another. Try again; with `--jobs 1` it cannot happen.',
  ],
];

interface Told {
  code: string;
  message: string;
  hint: string;
}

const causes: readonly (readonly [RegExp, (name: string) => Told])[] = [
  [
    /ERROR: +role "(.+)" does not exist/,
    (name) => ({
      code: 'ROLE_MISSING',
      message: `the role ${name} does not exist on this server`,
      hint: `Create it (or run the backup's globals), or restore without owners and privileges.`,
    }),
  ],
  [
    /ERROR: +invalid value for parameter "default_tablespace": "(.+)"/,
    (name) => ({
      code: 'TABLESPACE_MISSING',
      message: `the tablespace ${name} does not exist on this server`,
      hint: 'Create it there (globals.sql in the backup has it). A dump in the custom, directory or tar format can do without.',
    }),
  ],
  [
    /ERROR: +extension "(.+)" is not available|could not open extension control file ".*\/(?:.+)\.control"/,
    (name) => ({
      code: 'EXTENSION_MISSING',
      message: `the extension ${name || 'that the dump needs'} is not installed on this server`,
      hint: 'Install its package on the machine of the server, then try again.',
    }),
  ],
  [
    /ERROR: +must be able to SET ROLE "(.+)"|ERROR: +must be member of role "(.+)"/,
    (name) => ({
      code: 'ROLE_NOT_GRANTED',
      message: `the restoring role may not give objects to ${name || 'their owner'}`,
      hint: 'Grant that role to the restoring one, use a superuser, or restore without owners and privileges.',
    }),
  ],
  [
    /backslash commands are restricted/,
    () => ({
      code: 'SCRIPT_COMMANDS',
      message: 'the script has commands for psql itself, which could do anything on this machine',
      hint: 'pg_dump writes none. Look into the script at the line that the log of the run names; restore it by hand if you know what it does.',
    }),
  ],
  [
    /invalid command \\(restrict|unrestrict)/,
    () => ({
      code: 'TOOL_TOO_OLD',
      message: 'psql is too old for the dump, which newer client tools made',
      hint: 'Update the PostgreSQL client tools to the latest minor release.',
    }),
  ],
];

function wordsOf(stderr: string): string {
  const lines = stderr.split('\n').filter((line) => line.trim());
  const at = lines.findIndex((line) => /\b(error|ERROR|FATAL|fatal):/.test(line));
  const chosen = at === -1 ? lines.slice(-2) : lines.slice(at, at + 2);
  return chosen
    .map((line) => line.replace(/^(pg_restore|psql)(:[^:]*:\d+)?: (error: )?/, '').replace(/^(ERROR|FATAL): +/, ''))
    .join('; ')
    .slice(0, 500);
}
