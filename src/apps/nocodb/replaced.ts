import type { FoundAttachment } from './attachment-cells.ts';

export interface Came {
  /** Null: it does not say. */
  bytes: number | null;
  /** As its header says it. */
  type: string | undefined;
}

type Recorded = Pick<FoundAttachment, 'title' | 'path' | 'url' | 'mimetype' | 'size'>;

/**
 * Why what came is not the file but a page that something before NocoDB gives with status 200: a sign-in behind a redirect. Null: nothing
 * tells. A size alone does not: NocoDB notes what it was told where files come by an address or through its API, which is wrong where
 * they travelled compressed, and nobody corrects it when they are made smaller where they lie.
 */
export function whyReplaced(recorded: Recorded, came: Came): string | null {
  const { size, mimetype } = recorded;
  const { bytes, type = '' } = came;
  if ((bytes !== null && bytes === size) || !isPage(type) || mayBePage(recorded)) return null;
  const length = bytes === null ? '' : ` of ${bytes} bytes`;
  const told = `${size === null ? 'without a size' : `as ${size} bytes`}${mimetype === null ? '' : ` of ${mimetype}`}`;
  return `a page (${type.split(';')[0] ?? type})${length}, and it is recorded ${told}`;
}

function isPage(type: string): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type);
}

/** Where its type says nothing, its name does; one without any end to it may be anything. */
function mayBePage({ title, path, url, mimetype }: Recorded): boolean {
  if (mimetype !== null && !/octet-stream|text\/plain/i.test(mimetype)) return isPage(mimetype);
  const names = [title, path, url].filter((name) => name !== null).map((name) => name.split(/[?#]/)[0] ?? '');
  return names.some((name) => /\.x?html?$/i.test(name)) || names.every((name) => !/\.\w+$/.test(name));
}
