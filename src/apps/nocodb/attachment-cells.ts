import type { RecordKey, SavedRecord } from './tree-format.ts';

/** A file of a cell, and how it is reached. */
export interface FoundAttachment {
  record: RecordKey;
  /** Id of the column. */
  column: string;
  position: number;
  id: string | null;
  title: string;
  mimetype: string | null;
  size: number | null;
  path: string | null;
  url: string | null;
  /** Where it can be fetched now; null: it is a link to elsewhere. */
  source: string | null;
  /** What is signed by NocoDB's own storage and not by NocoDB lies in another place. */
  elsewhere: boolean;
}

/** The files of a cell. Null where the cell has none; what is not understood is no file. */
export function attachmentsIn(cell: unknown): Record<string, unknown>[] {
  const entries = typeof cell === 'string' ? parsed(cell) : cell;
  if (!Array.isArray(entries)) return [];
  return entries.filter(
    (entry): entry is Record<string, unknown> => typeof entry === 'object' && entry !== null && !Array.isArray(entry),
  );
}

export function found(
  entry: Record<string, unknown>,
  at: { record: RecordKey; column: string; position: number },
): FoundAttachment {
  const path = text(entry['path']);
  const url = text(entry['url']);
  const signedUrl = text(entry['signedUrl']);
  // An address that NocoDB has not signed was never its own: somebody put a link there.
  const signed = path === null ? (signedUrl === url ? null : signedUrl) : (text(entry['signedPath']) ?? path);
  const size = Number(entry['size'] ?? Number.NaN);
  return {
    ...at,
    id: text(entry['id']),
    title: text(entry['title']) ?? lastSegment(path ?? url ?? '') ?? 'file',
    mimetype: text(entry['mimetype']) ?? text(entry['mimeType']),
    size: Number.isSafeInteger(size) && size >= 0 ? size : null,
    path,
    url,
    source: signed,
    elsewhere: path === null,
  };
}

/** A record without what NocoDB has signed: it opens a file to anyone for two hours, and means nothing later. */
export function withoutSigned(record: SavedRecord, titles: readonly string[]): SavedRecord {
  if (titles.length === 0) return record;
  const clean = { ...record };
  for (const title of titles) {
    const entries = attachmentsIn(record[title]);
    if (entries.length === 0) continue;
    clean[title] = entries.map(({ signedPath: _, signedUrl: __, thumbnails: ___, ...entry }) => entry);
  }
  return clean;
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null;
}

function lastSegment(address: string): string | null {
  const last = address.split(/[?#]/)[0]?.split('/').at(-1);
  return last === undefined || last === '' ? null : last;
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}
