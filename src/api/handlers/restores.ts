import { liveName } from '../../care/source.ts';
import { allows } from '../../access/roles.ts';
import { openedBy } from '../../archive/given-passphrase.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { Secret } from '../../base/secret.ts';
import { resolveBackup } from '../../care/select.ts';
import { blocking } from '../../restore/guards.ts';
import { planRestore, type RestorePlan, type RestoreRequest } from '../../restore/plan.ts';
import { restore } from '../../restore/restore.ts';
import { undoRestore } from '../../restore/undo.ts';
import type { RequestOf, Routes } from '../contract.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { askerOf, begun, grantOf, sourceFor, type ApiParts } from './parts.ts';
import { repeatable } from './repeat.ts';

type Wanted = RequestOf<Routes['planRestore']>['body'];

export function restoreHandlers(parts: ApiParts): Pick<Handlers, 'planRestore' | 'restore' | 'undoRestore'> {
  const { house, work } = parts;
  return {
    planRestore: async (call) => {
      const request = await readRequest(parts, call, call.body);
      const plan = await planRestore(request, house.scratch, call.signal);
      await assertOpens(plan, request, call.signal);
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
      // What is remembered of a wish with an Idempotency-Key must not help to guess the password.
      const { confirm, password, ...wanted } = call.body;
      const request = await readRequest(parts, call, { ...wanted, password });
      const { trigger, asker } = askerOf(call);
      const started = await repeatable(parts, call, wanted, () =>
        work.begin(
          (run) =>
            restore({
              ...house,
              ...run,
              request,
              trigger,
              confirm: async (plan) => {
                assertConfirmed(wordOf(plan), confirm);
                await assertOpens(plan, request, run.signal);
              },
            }),
          asker,
        ),
      );
      return begun(parts, call, started, call.query.wait);
    },
    undoRestore: async (call) => {
      const { sessions, confirm } = call.body;
      const source = await sourceFor(parts, call, call.body.source, 'restore');
      const started = await work.begin(
        (run) =>
          undoRestore({
            ...house,
            ...run,
            source,
            sessions,
            confirm: async () => assertConfirmed(liveName(source), confirm),
          }),
        askerOf(call).asker,
      );
      return begun(parts, call, started, call.query.wait);
    },
  };
}

async function readRequest(parts: ApiParts, call: Call, wanted: Wanted): Promise<RestoreRequest> {
  const { house } = parts;
  const { id, storage, tables, schemas, allow, source: name, password, ...rest } = wanted;
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
    files: true,
    source: password === undefined ? source : { ...source, keys: openedBy(new Secret(password), source.keys) },
    from: { storage: found.storage, id: found.id, others: storage === undefined ? found.others : [] },
    scope: tables.length + schemas.length > 0 ? { tables, schemas } : null,
    allowed: allow,
  };
}

/** A password that is missing or wrong is told before anything is begun. What is damaged in one storage may be whole in another. */
async function assertOpens(
  { archive }: RestorePlan,
  { source, from }: RestoreRequest,
  signal: AbortSignal,
): Promise<void> {
  const key = (archive?.manifest.encryption as { key?: unknown } | null | undefined)?.key;
  if (typeof key !== 'string' || !('storage' in from)) return;
  try {
    await source.keys.unlock(from.storage, source.name, key, signal);
  } catch (error) {
    if (toHoldfastError(error).kind !== 'integrity' || (from.others ?? []).length === 0) throw error;
  }
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
