import { allows } from '../../access/roles.ts';
import { HoldfastError } from '../../base/errors.ts';
import { resolveBackup } from '../../care/select.ts';
import { blocking } from '../../restore/guards.ts';
import { planRestore, type RestorePlan, type RestoreRequest } from '../../restore/plan.ts';
import { restore } from '../../restore/restore.ts';
import { undoRestore } from '../../restore/undo.ts';
import type { RequestOf, Routes } from '../contract.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { begun, grantOf, sourceFor, type ApiParts } from './parts.ts';
import { repeatable } from './repeat.ts';

type Wanted = RequestOf<Routes['planRestore']>['body'];

export function restoreHandlers(parts: ApiParts): Pick<Handlers, 'planRestore' | 'restore' | 'undoRestore'> {
  const { house, work } = parts;
  return {
    planRestore: async (call) => {
      const request = await readRequest(parts, call, call.body);
      const plan = await planRestore(request, house.scratch, call.signal);
      return {
        id: plan.from,
        mode: plan.mode,
        target: plan.target.title,
        guards: plan.guards,
        blocked: blocking(plan.guards).length > 0,
        confirm: wordOf(plan),
      };
    },
    restore: async (call) => {
      const { confirm, ...wanted } = call.body;
      const request = await readRequest(parts, call, wanted);
      const started = await repeatable(parts, call, wanted, () =>
        work.begin((run) =>
          restore({
            ...house,
            ...run,
            request,
            trigger: 'api',
            confirm: async (plan) => assertConfirmed(wordOf(plan), confirm),
          }),
        ),
      );
      return begun(parts, call, started, call.query.wait);
    },
    undoRestore: async (call) => {
      const { sessions, confirm } = call.body;
      const source = await sourceFor(parts, call, call.body.source, 'restore');
      const started = await work.begin((run) =>
        undoRestore({
          ...house,
          ...run,
          source,
          sessions,
          confirm: async () => assertConfirmed(source.database.name, confirm),
        }),
      );
      return begun(parts, call, started, call.query.wait);
    },
  };
}

async function readRequest(parts: ApiParts, call: Call, wanted: Wanted): Promise<RestoreRequest> {
  const { house } = parts;
  const { id, storage, tables, schemas, allow, source: name, ...rest } = wanted;
  const source = await sourceFor(parts, call, name, 'restore');
  // Another server could be anybody's: whoever says so must be trusted with the configuration as well.
  if (rest.into?.includes('://') && !allows(grantOf(call), 'settings', null)) throw notAllowed('settings');
  const found = await resolveBackup({
    source,
    storage: storage === undefined ? null : house.storageOf(source, storage),
    id,
    catalog: house.catalog,
    signal: call.signal,
  });
  call.about.target = found.id;
  return {
    ...rest,
    source,
    from: { storage: found.storage, id: found.id, others: storage === undefined ? found.others : [] },
    scope: tables.length + schemas.length > 0 ? { tables, schemas } : null,
    allowed: allow,
  };
}

/** What has to be typed before something that lives is replaced. */
function wordOf({ destructive, target }: RestorePlan): string | null {
  return destructive ? target.name : null;
}

function assertConfirmed(word: string | null, typed: string | undefined): void {
  if (word === null || typed === word) return;
  throw new HoldfastError('NOT_CONFIRMED', 'the restore was not confirmed; nothing was touched', {
    kind: 'refused',
    hint: `Give \`confirm\` with the name of the database that is replaced: ${word}.`,
  });
}
