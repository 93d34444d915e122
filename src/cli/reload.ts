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
  when(change: Change): void;
  taken(): House | null;
}

/** How the old settings make way for new ones. */
export interface Change {
  /** Nothing is at work that it would interrupt. */
  idle(): boolean;
  /** Rejects when the new ones cannot be had; then the old ones stay. */
  prepare(house: House): Promise<void>;
  /** Nobody else begins anything from now on. False: somebody is at it still, and nothing is held. */
  hold(): Promise<boolean>;
  release(): void;
}

const lookEveryMs = 200;
/** Holding up everybody is not tried time and again. */
const againMs = 2_000;

export function openReload({ openHouse }: Pick<CommandContext, 'openHouse'>, logger: Logger): Reload {
  const time = new AbortController();
  let wanted = false;
  let asked = 0;
  let opening = false;
  let next: House | null = null;
  let timer: NodeJS.Timeout | undefined;
  let notBefore = 0;
  const look = async (change: Change) => {
    if (!wanted || opening || performance.now() < notBefore || !change.idle()) return;
    opening = true;
    // Opening takes its time: what is changed meanwhile is not in what was opened.
    const before = asked;
    const isCurrent = () => asked === before;
    try {
      // Opened before the old one ends: what cannot be opened changes nothing.
      const house = await openHouse();
      if (await makesWay({ ...change, idle: () => isCurrent() && change.idle() }, house)) {
        next = house;
        logger.log('info', 'the settings have changed: going on with the new ones');
        clearInterval(timer);
        time.abort();
      } else {
        if (isCurrent()) notBefore = performance.now() + againMs;
        await house[Symbol.asyncDispose]();
      }
    } catch (error) {
      wanted = !isCurrent();
      logger.log('error', `the changed settings could not be used: ${toHoldfastError(error).message}`);
    } finally {
      opening = false;
    }
  };
  return {
    signal: time.signal,
    ask: () => {
      wanted = true;
      asked += 1;
    },
    pending: () => wanted,
    when: (change) => {
      timer = setInterval(() => void look(change), lookEveryMs);
      timer.unref();
    },
    taken: () => next,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** True when nothing is at work and nobody can begin anything. */
async function makesWay(change: Change, house: House): Promise<boolean> {
  try {
    await change.prepare(house);
  } catch (error) {
    await house[Symbol.asyncDispose]();
    throw error;
  }
  if (!(await change.hold())) return false;
  if (change.idle()) return true;
  change.release();
  return false;
}
