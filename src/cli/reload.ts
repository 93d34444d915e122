import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { House } from '../house.ts';
import type { CommandContext } from './command.ts';

/** Brings changed settings into effect, as soon as that interrupts nothing. */
export interface Reload extends Disposable {
  /** Fires when it is time to go on with what `taken` gives. */
  readonly signal: AbortSignal;
  ask(): void;
  /** Asked for, and not in effect yet. */
  pending(): boolean;
  /** Begins to look whether nothing runs. */
  when(idle: () => boolean): void;
  taken(): House | null;
}

const lookEveryMs = 200;

export function openReload({ openHouse }: Pick<CommandContext, 'openHouse'>, logger: Logger): Reload {
  const time = new AbortController();
  let wanted = false;
  let opening = false;
  let next: House | null = null;
  let timer: NodeJS.Timeout | undefined;
  const look = async (idle: () => boolean) => {
    if (!wanted || opening || !idle()) return;
    opening = true;
    try {
      // Opened before the old one ends: what cannot be opened changes nothing.
      const house = await openHouse();
      if (!idle()) return await house[Symbol.asyncDispose]();
      next = house;
      logger.log('info', 'the settings have changed: going on with the new ones');
      clearInterval(timer);
      time.abort();
    } catch (error) {
      wanted = false;
      logger.log('error', `the changed settings could not be used: ${toHoldfastError(error).message}`);
    } finally {
      opening = false;
    }
  };
  return {
    signal: time.signal,
    ask: () => void (wanted = true),
    pending: () => wanted,
    when: (idle) => {
      timer = setInterval(() => void look(idle), lookEveryMs);
      timer.unref();
    },
    taken: () => next,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}
