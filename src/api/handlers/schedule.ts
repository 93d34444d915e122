import { timezone as timezoneSchema } from '../../config/fields.ts';
import { comingTimes, validateCron } from '../../schedule/due.ts';
import type { Handlers } from '../register.ts';
import type { ApiParts } from './parts.ts';

/** What a schedule would mean, asked before it is one: told by what the scheduler itself goes by. */
export function scheduleHandlers({
  house,
}: {
  house: Pick<ApiParts['house'], 'clock'>;
}): Pick<Handlers, 'comingTimes'> {
  return {
    comingTimes: ({ query: { cron, timezone, count } }) => {
      const wrong = validateCron(cron) ?? timezoneSchema.safeParse(timezone).error?.issues[0]?.message ?? null;
      if (wrong !== null) return { times: [], problem: wrong };
      const times = comingTimes({ cron, timezone }, count, house.clock.now());
      return { times: times.map((time) => time.toISOString()), problem: null };
    },
  };
}
