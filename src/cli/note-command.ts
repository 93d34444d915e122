import { hostname } from 'node:os';
import type { Clock } from '../base/clock.ts';
import { userName } from '../base/user-name.ts';
import type { Catalog } from '../catalog/catalog.ts';

/** Into the audit log: whoever can run this could write to the state anyway, but not by mistake without a trace. */
export function noteCommand(
  catalog: Catalog,
  clock: Clock,
  { action, target }: { action: string; target: string },
): void {
  catalog.audit.add({
    at: clock.now().toISOString(),
    who: userName(),
    via: 'cli',
    from: hostname(),
    action,
    source: null,
    target,
    run: null,
    outcome: 'done',
    detail: null,
  });
}
