import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Source } from '../care/source.ts';
import type { House } from '../house.ts';
import type { CommandContext } from './command.ts';

/**
 * Before something new begins for a source, what runs that were killed have left of it goes: their scratch databases are as large as the live
 * one, and where no daemon runs nobody else does it. That it cannot go keeps nobody from anything; `doctor` names what is left.
 */
export async function clearUp({ logger, signal }: CommandContext, house: House, source: Source): Promise<void> {
  const { sweepInterrupted } = await import('../schedule/sweep.ts');
  // That a run was killed and what became of it is news here, and not, as to the daemon, the course of things.
  const told: Logger = {
    log: (level, ...rest) => {
      logger.log(level === 'info' ? 'warn' : level, ...rest);
    },
  };
  const { catalog, clock } = house;
  try {
    await sweepInterrupted({ sources: [source], only: source, catalog, clock, logger: told }, signal);
  } catch (error) {
    throwIfAborted(signal);
    logger.log('debug', `clearing up: ${toHoldfastError(error).message}`);
  }
}
