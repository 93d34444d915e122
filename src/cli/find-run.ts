import { HoldfastError } from '../base/errors.ts';
import type { Catalog, RunRecord } from '../catalog/catalog.ts';

/** The run that a text means: its id, a prefix that only one has, or `latest`, which is also meant by none. */
export function findRun(
  { runs }: Pick<Catalog, 'runs'>,
  text: string | undefined,
  filter: Parameters<Catalog['runs']['list']>[0],
): RunRecord {
  const exact = text === undefined ? null : runs.get(text);
  if (exact) return exact;
  const newest = text === undefined || text === 'latest';
  const found = newest ? runs.list({ ...filter, limit: 1 }) : runs.list(filter).filter(({ id }) => id.startsWith(text));
  const [only] = found;
  if (only && found.length === 1) return only;
  if (found.length > 1) {
    throw new HoldfastError('RUN_AMBIGUOUS', `${found.length} runs begin with ${text}`, {
      kind: 'usage',
      hint: `Give more of it: ${found
        .slice(0, 5)
        .map(({ id }) => id)
        .join(', ')}${found.length > 5 ? ', …' : ''}`,
    });
  }
  throw new HoldfastError('RUN_UNKNOWN', newest ? 'there are no runs yet' : `there is no run ${text}`, {
    kind: 'usage',
    hint: 'See them with `holdfast runs`.',
  });
}
