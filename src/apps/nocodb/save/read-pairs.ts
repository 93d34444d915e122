import { HoldfastError } from '../../../base/errors.ts';
import { formatCount } from '../../../base/units.ts';
import { pagesByOffset, type Paging } from './pages.ts';
import type { LinkPair } from '../tree-format.ts';

interface KeyColumn {
  id: string;
  title: string;
}

export interface JunctionToRead extends Paging {
  /** `links Orders-Tags of base Shop` */
  title: string;
  left: KeyColumn;
  right: KeyColumn;
}

/**
 * All pairs of a junction table, ascending. Where both keys are numbers, each page begins behind the last pair of the one before, so
 * that pairs which come and go meanwhile shift nothing.
 */
export function readPairs(junction: JunctionToRead): { groups: AsyncGenerator<LinkPair[]>; read: { pairs: number } } {
  const read = { pairs: 0 };
  return { groups: pairsOf(junction, read), read };
}

async function* pairsOf(junction: JunctionToRead, read: { pairs: number }): AsyncGenerator<LinkPair[]> {
  const { instance, table, left, right, pageSize, signal, title } = junction;
  const fields = [left.id, right.id];
  const sort = fields.join(',');
  const pairOf = (record: Record<string, unknown>): LinkPair => [
    side(record[left.title], title),
    side(record[right.title], title),
  ];
  let last: LinkPair | null = null;
  for (;;) {
    const where = last === null ? {} : { where: behind(last, left.id, right.id) };
    const page = await instance.page(table, { fields, sort, limit: pageSize, ...where }, signal);
    const pairs = page.records.map(pairOf);
    if (last === null && pairs.some((pair) => pair.some((key) => typeof key !== 'number'))) break;
    read.pairs += pairs.length;
    if (pairs.length > 0) yield pairs;
    last = pairs.at(-1) ?? last;
    if (page.last) return;
    if (pairs.length === 0) throw tooFew(title, read.pairs, read.pairs + page.total);
  }
  // Keys that are texts cannot be compared by NocoDB.
  const before = (await instance.page(table, { fields, sort, limit: 1 }, signal)).total;
  for await (const records of pagesByOffset({ fields, sort }, junction)) {
    read.pairs += records.length;
    yield records.map(pairOf);
  }
  const after = (await instance.page(table, { fields, sort, limit: 1 }, signal)).total;
  if (read.pairs !== after || before !== after) throw tooFew(title, read.pairs, after);
}

function behind([left, right]: LinkPair, leftId: string, rightId: string): string {
  return `(${leftId},gt,${left})~or((${leftId},eq,${left})~and(${rightId},gt,${right}))`;
}

function side(value: unknown, title: string): number | string {
  if (typeof value === 'number' || typeof value === 'string') return value;
  throw new HoldfastError('NOCODB_TABLE_CHANGED', `one of the ${title} has no end`, {
    hint: 'Back up again when nobody changes columns.',
  });
}

function tooFew(title: string, read: number, count: number): HoldfastError {
  return new HoldfastError(
    'NOCODB_RECORDS_MISSING',
    `${formatCount(read)} of ${formatCount(count)} of the ${title} could be read, or they changed meanwhile`,
    { retryable: true, hint: 'Back up again.' },
  );
}
