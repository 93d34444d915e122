import { withTimeout } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { formatDuration } from '../../../base/units.ts';
import type { Access } from '../connect/access.ts';
import { toolError } from '../connect/errors.ts';

export interface DumpTalk {
  access: Access;
  /** Grows while the tools talk. */
  warnings: string[];
}

/** The signal of a tool that ends it when the whole dump takes too long. */
export function limited(
  { access }: Pick<DumpTalk, 'access'>,
  signal: AbortSignal,
): { signal: AbortSignal } & Disposable {
  const { timeoutMs } = access.settings.dump;
  return withTimeout(signal, timeoutMs, () => {
    return new HoldfastError(
      'DUMP_TIMEOUT',
      `the dump took longer than ${formatDuration(timeoutMs ?? 0)} and was ended`,
      {
        hint: 'Raise dump.timeout, or see what slows the server down.',
        retryable: true,
      },
    );
  });
}

/** What a tool says: warnings are kept, everything else is for the log. */
export function listening(plan: DumpTalk): {
  onStderr: (line: string) => void;
  explain: (error: HoldfastError) => Error;
} {
  return {
    onStderr: (line) => {
      const warning = /^(?:.*\/)?(pg_dump(?:all)?: )warning: (.+)$/.exec(line);
      if (warning) plan.warnings.push(`${warning[1]}${warning[2]}`);
      plan.access.context.logger.log('debug', line);
    },
    explain: (error) => toolError(error, plan.access.address),
  };
}
