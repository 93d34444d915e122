import { HoldfastError } from '../../../base/errors.ts';
import { notNocodb, saidCode } from '../errors.ts';
import type { Instance, Page, PageQuery } from '../instance.ts';

export interface Paging {
  instance: Instance;
  table: string;
  pageSize: number;
  signal: AbortSignal;
}

/** What a page may weigh: rows of a megabyte are asked for one by one. */
const wantedBytes = 8 * 1024 * 1024;
const mostBytes = 48 * 1024 * 1024;
/** Asked for until it is known how long a record is. */
const firstPage = 100;
/** How many pages are on their way while one is being written. */
const ahead = 2;

/**
 * Page after page by offset, each asked for before it is needed. Records that are removed or moved meanwhile shift what follows: who
 * reads compares (`readRecords`).
 */
export async function* pagesByOffset(
  query: Omit<PageQuery, 'limit' | 'offset' | 'most'>,
  { instance, table, pageSize, signal }: Paging,
): AsyncGenerator<Record<string, unknown>[]> {
  const stop = new AbortController();
  const either = AbortSignal.any([signal, stop.signal]);
  let limit = Math.min(firstPage, pageSize);
  const ask = (offset: number): Asked => {
    const page = askFor(instance, table, { ...query, offset, limit }, either);
    // It may be thrown away unread.
    page.catch(() => undefined);
    return { offset, limit, page };
  };
  let waiting = [ask(0)];
  try {
    for (let offset = 0; ;) {
      const next = waiting.shift() ?? ask(offset);
      // The server gave fewer than it was asked for: what is on its way begins at the wrong record.
      const { page, limit: asked } = next.offset === offset ? next : ask(offset);
      if (next.offset !== offset) waiting = [];
      const { records, total, last, bytes } = await page.catch((error: unknown) => shorter(error, asked));
      if (records === null) {
        limit = Math.max(1, Math.floor(asked / 4));
        waiting = [];
        continue;
      }
      offset += records.length;
      const ended = last || (records.length === 0 && offset >= total);
      if (!ended) {
        if (records.length === 0 || offset > 2 * total + pageSize)
          throw notNocodb(instance.client.title, 'gives pages without an end');
        const fits = Math.floor((wantedBytes * records.length) / Math.max(bytes, 1));
        limit = Math.max(1, Math.min(pageSize, fits, records.length < asked ? records.length : pageSize));
        while (waiting.length < ahead) {
          const before = waiting.at(-1);
          const at = before === undefined ? offset : before.offset + before.limit;
          if (waiting.length > 0 && at >= total) break;
          waiting.push(ask(at));
        }
      }
      if (records.length > 0) yield records;
      if (ended) return;
    }
  } finally {
    stop.abort();
  }
}

interface Asked {
  offset: number;
  limit: number;
  page: Promise<Page>;
}

type Found = Page | { records: null; total: number; last: boolean; bytes: number };

async function askFor(instance: Instance, table: string, query: PageQuery, signal: AbortSignal): Promise<Page> {
  try {
    return await instance.page(table, { ...query, ...(query.limit > 1 ? { most: mostBytes } : {}) }, signal);
  } catch (error) {
    // The table has become shorter than the offset.
    if (saidCode(error) !== 'ERR_INVALID_OFFSET_VALUE') throw error;
    return { records: [], total: 0, last: true, bytes: 0 };
  }
}

function shorter(error: unknown, asked: number): Found {
  if (!(error instanceof HoldfastError) || error.code !== 'NOCODB_ANSWER_TOO_LONG' || asked <= 1) throw error;
  return { records: null, total: 0, last: false, bytes: 0 };
}
