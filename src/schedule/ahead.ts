import type { Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import { planMemory } from './memory.ts';
import { nextStart, type Trigger } from './next.ts';
import type { Plans, ScheduledPlan } from './plans.ts';

export interface PlanAhead {
  plan: ScheduledPlan;
  /** Not later than now: as soon as there is a daemon that has room for it. */
  at: Date;
  trigger: Trigger;
}

/** What a daemon would do next, soonest first, as seen by a process that is none. */
export function plansAhead(
  { all, enabled }: Plans,
  { catalog, clock, instance }: { catalog: Catalog; clock: Clock; instance: string },
): PlanAhead[] {
  if (!enabled) return [];
  const memory = planMemory({ catalog, clock });
  const now = clock.now();
  const watch = { now, since: now, awakeSince: now, seed: instance };
  return all
    .flatMap((plan): PlanAhead[] => {
      // At the next start, which nobody knows.
      const start = nextStart({ ...plan, runOnStart: false }, memory.of(plan), watch);
      return start ? [{ plan, at: start.at, trigger: start.trigger }] : [];
    })
    .toSorted((a, b) => a.at.getTime() - b.at.getTime());
}
