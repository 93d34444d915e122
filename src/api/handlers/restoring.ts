import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Report } from '../../base/progress.ts';
import type { StoredBackup } from '../../archive/reader.ts';
import type { Source } from '../../care/source.ts';
import { blocking } from '../../restore/guards.ts';
import type { BackupPlace } from '../../restore/open-dump.ts';
import { planRestore, type RestorePlan, type RestoreRequest } from '../../restore/plan.ts';
import { planParts, restoreParts, type PartsRequest } from '../../restore/restore-bases.ts';
import { planFiles, restoreFiles, type FilesPlan, type FilesRequest } from '../../restore/restore-files.ts';
import { restore } from '../../restore/restore.ts';
import type { ResponseOf, Routes } from '../contract.ts';
import type { ApiParts } from './parts.ts';

type Answer = ResponseOf<Routes['planRestore']>;

/** One of the three kinds of restores: what it would do, and doing it. */
export interface Restoring {
  plan(signal: AbortSignal): Promise<Answer>;
  run(run: Run): Promise<unknown>;
}

interface Run {
  signal: AbortSignal;
  report: Report;
  trigger: string;
  /** What was typed to confirm it. */
  typed: string | undefined;
}

export function restoringDatabase({ house }: ApiParts, request: RestoreRequest): Restoring {
  return {
    plan: async (signal) => {
      const plan = await planRestore(request, house.scratch, signal);
      await assertOpens(plan.archive, request, signal);
      return {
        ...nothing,
        id: plan.from,
        what: 'database',
        mode: plan.mode,
        target: plan.target.title,
        files: [...plan.files],
        guards: plan.guards,
        blocked: blocking(plan.guards).length > 0,
        confirm: nameOf(plan),
      };
    },
    run: ({ typed, ...run }) =>
      restore({
        ...house,
        ...run,
        request,
        confirm: async (plan) => {
          assertConfirmed(nameOf(plan), typed);
          await assertOpens(plan.archive, request, run.signal);
        },
      }),
  };
}

export function restoringFiles({ house }: ApiParts, request: FilesRequest): Restoring {
  const { source, from } = request;
  const wordOf = ({ destructive }: FilesPlan) => (destructive ? source.name : null);
  return {
    plan: async (signal) => {
      const plan = await planFiles(request, house.scratch, signal);
      await assertOpens(plan.archive, request, signal);
      return {
        ...nothing,
        id: from.id,
        what: 'files',
        mode: plan.destructive ? 'swap' : 'new',
        target: plan.files.map(({ target }) => target).join(', '),
        files: [...plan.files],
        confirm: wordOf(plan),
      };
    },
    run: ({ typed, ...run }) =>
      restoreFiles({
        ...house,
        ...run,
        request,
        confirm: async (plan) => {
          assertConfirmed(wordOf(plan), typed);
          await assertOpens(plan.archive, request, run.signal);
        },
      }),
  };
}

/** Nothing that lives is replaced, but what is created cannot be taken back by itself. */
const wordForBases = 'yes';

/** Of each list; a backup may hold more bases and tables than anybody reads. */
const mostLines = 1000;

export function restoringBases({ house }: ApiParts, request: PartsRequest): Restoring {
  return {
    plan: async (signal) => {
      const { plan, title } = await planParts({ request, scratch: house.scratch, signal, report: () => undefined });
      return {
        ...nothing,
        id: request.from.id,
        what: 'bases',
        target: title,
        creates: plan.creates.slice(0, mostLines),
        skips: plan.skips.slice(0, mostLines),
        cannot: plan.cannot.slice(0, mostLines),
        blocks: plan.blocks.slice(0, mostLines),
        blocked: plan.blocks.length > 0,
        confirm: wordForBases,
      };
    },
    run: ({ typed, ...run }) =>
      restoreParts({
        ...house,
        ...run,
        request,
        confirm: async () => assertConfirmed(wordForBases, typed),
      }),
  };
}

const nothing = {
  mode: null,
  files: [],
  creates: [],
  skips: [],
  cannot: [],
  blocks: [],
  guards: [],
  blocked: false,
} satisfies Partial<Answer>;

/** What has to be typed before something that lives is replaced. */
function nameOf({ destructive, target }: RestorePlan): string | null {
  return destructive ? target.name : null;
}

export function assertConfirmed(word: string | null, typed: string | undefined): void {
  if (word === null || typed === word) return;
  throw new HoldfastError('NOT_CONFIRMED', 'the restore was not confirmed; nothing was touched', {
    kind: 'refused',
    hint: `Give \`confirm\` with the word that the plan names: ${word}.`,
  });
}

/** A password that is missing or wrong is told before anything is begun. What is damaged in one storage may be whole in another. */
async function assertOpens(
  archive: StoredBackup | null,
  { source, from }: { source: Source; from: BackupPlace | { file: string } },
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
