import type { CommanderError } from 'commander';
import { HoldfastError } from '../base/errors.ts';

const codes: Record<string, string> = {
  'commander.unknownCommand': 'COMMAND_UNKNOWN',
  'commander.unknownOption': 'OPTION_UNKNOWN',
  'commander.missingArgument': 'ARGUMENT_MISSING',
  'commander.excessArguments': 'ARGUMENT_UNEXPECTED',
  'commander.optionMissingArgument': 'VALUE_MISSING',
  'commander.invalidArgument': 'VALUE_INVALID',
};

/** Commander's words for wrong usage as an error of ours: its suggestion becomes the hint. */
export function usageError(error: CommanderError, command: string | null): HoldfastError {
  const [first = '', ...rest] = error.message.split('\n');
  const suggestion = /Did you mean (?:one of )?(.+)\?/.exec(rest.join(' '))?.[1];
  const help = command === null ? 'holdfast --help' : `holdfast ${command} --help`;
  return new HoldfastError(codes[error.code] ?? 'USAGE', first.replace(/^error: /, '').replace(/\.$/, ''), {
    kind: 'usage',
    hint: suggestion === undefined ? `\`${help}\` shows what there is.` : `Did you mean ${suggestion}?`,
  });
}

/** Wrong usage that only a command itself can see. */
export function wrongUsage(message: string, hint: string): HoldfastError {
  return new HoldfastError('USAGE', message, { kind: 'usage', hint });
}
