import type { Clock } from '../../base/clock.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { openEnduring, type EnduringState } from './enduring.ts';
import { assertWritable, isUnwritable, openStandIn } from './stand-in.ts';

export interface State extends EnduringState {
  /** What it is told of is known there alone: alerts are left to whoever has the state. */
  readonly isCopy: boolean;
}

interface Books {
  clock: Clock;
  logger: Logger;
  /** With a copy from the start, where it cannot be written. */
  goesOnWithoutState?: boolean;
  /** With a copy until it can be written: it has the time to wait for that. */
  lasting?: boolean;
}

export function openState(
  folder: string,
  { clock, logger, goesOnWithoutState = false, lasting = false }: Books,
): State {
  let opened: EnduringState | null = null;
  try {
    const { catalog, enduring } = (opened = openEnduring(folder, { clock, logger, mayBeginAside: lasting }));
    if (goesOnWithoutState) assertWritable(catalog);
    const state = opened;
    return { catalog, enduring, isCopy: false, [Symbol.dispose]: () => state[Symbol.dispose]() };
  } catch (error) {
    opened?.[Symbol.dispose]();
    if (!goesOnWithoutState || !isUnwritable(error)) throw error;
    const { message, code } = toHoldfastError(error);
    logger.log('warn', `the state in ${folder} cannot be written: ${message} (${code}); going on with a copy of it`);
    return copiedState(folder, { clock, logger });
  }
}

function copiedState(folder: string, { clock, logger }: Books): State {
  const standIn = openStandIn(folder, clock);
  const { catalog } = standIn;
  return {
    catalog,
    enduring: catalog,
    isCopy: true,
    [Symbol.dispose]: () => {
      if (standIn.isNeeded())
        logger.log(
          'warn',
          `what was done is known in that copy alone: HOLDFAST_STATE=${standIn.folder} before a command such as \`holdfast restore --undo\` or \`holdfast logs\` goes by it`,
        );
      standIn[Symbol.dispose]();
    },
  };
}
