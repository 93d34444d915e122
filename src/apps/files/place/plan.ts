import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../../base/errors.ts';
import type { Saved, StagedTree, WantedTrees } from '../../app.ts';
import { refuseMountedEntries } from '../mounts.ts';
import { refuseNotMounted } from '../not-mounted.ts';
import type { TreeSettings } from '../options.ts';
import { refuseHalfSwapped } from './half-swap.ts';
import { findPlace, freeBytes, noSpace } from './place.ts';
import { treesIn } from '../tree-facts.ts';
import { problemsOf, wantedTrees } from './wanted.ts';

/** What a restore would do, with all that stands in its way; touches nothing. */
export async function planTrees(
  configured: readonly TreeSettings[],
  saved: Saved,
  wanted: WantedTrees,
  signal: AbortSignal,
): Promise<StagedTree[]> {
  const trees = wantedTrees(configured, treesIn(saved.facts), wanted);
  const problems = await problemsOf(trees, wanted);
  const planned: StagedTree[] = [];
  for (const { facts, target } of trees) {
    throwIfAborted(signal);
    try {
      await refuseNotMounted({ name: facts.name, path: target }, wanted.to === null ? facts.mount : null);
      await refuseHalfSwapped({ name: facts.name, path: target });
      const place = await findPlace(target);
      if (place.how === 'inside') await refuseMountedEntries(place.target);
      const free = await freeBytes(place.staged);
      if (free < facts.diskBytes) throw noSpace(place.target, free, facts.diskBytes);
      planned.push({
        name: facts.name,
        target: place.target,
        replaces: place.replaces,
        files: facts.files,
        bytes: facts.bytes,
      });
    } catch (error) {
      problems.push(toHoldfastError(error));
    }
  }
  const [first] = problems;
  if (first) throw problems.length === 1 ? first : allProblems(problems);
  return planned;
}

/** Several different reasons at once; the kind is that of the first. */
export function allProblems(problems: readonly HoldfastError[]): HoldfastError {
  const hints = new Set(problems.map(({ hint }) => hint).filter((hint) => hint !== undefined));
  return new HoldfastError('FILES_NOT_READY', problems.map(({ message }) => message).join('; '), {
    kind: problems[0]?.kind ?? 'failed',
    hint: [...hints].join(' '),
    cause: problems[0],
  });
}
