import { isFromFuture, type Clock } from '../base/clock.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { Plans } from './plans.ts';

const dayMs = 86_400_000;
/** Longer than runs are remembered: questions about who did it come late. */
const auditMs = 2 * 365 * dayMs;
/** Nobody looked for so long: either nothing ran, or the clock has jumped. */
const leapMs = 30 * dayMs;
/** Then it has so long to be set right. */
const trustMs = 7 * dayMs;
const markName = 'forgotten';

/** Runs, incidents and the audit log are not kept for ever. To be called often: by that it knows how time goes by. */
export function forgetHistory(
  { catalog, clock }: { catalog: Catalog; clock: Clock },
  { runs, ageMs }: Plans['history'],
): void {
  const now = clock.now();
  const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();
  const isTrusted = trust(catalog, now);
  // So many are never too few, whatever the clock says.
  catalog.runs.trim({ runs, before: isTrusted ? ago(ageMs) : '' });
  if (!isTrusted) return;
  catalog.incidents.trim(ago(ageMs));
  catalog.audit.trim(ago(auditMs));
}

/** A clock that is years ahead for an hour must not cost the history of years. */
function trust({ marks }: Catalog, now: Date): boolean {
  const mark = marks.get(markName);
  const at = now.toISOString();
  const last = mark?.lastGood ?? at;
  const before = (mark?.detail as { leapAt: string | null } | null | undefined)?.leapAt ?? null;
  const leapAt = now.getTime() - new Date(last).getTime() > leapMs ? at : isFromFuture(last, now) ? null : before;
  marks.put({ name: markName, lastAttempt: at, lastGood: at, detail: { leapAt } });
  return leapAt === null || now.getTime() - new Date(leapAt).getTime() >= trustMs;
}
