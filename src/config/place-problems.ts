import { entriesOf, isBranch, valueAt, type Path } from './path.ts';
import type { Problem } from './problems.ts';

/** Two storages at one place count one copy as two, and the retention of one removes what the other has to keep. */
export function placeProblems(tree: unknown): Problem[] {
  const storages = valueAt(tree, ['storages']);
  if (!isBranch(storages) || Array.isArray(storages)) return [];
  const first = new Map<string, string>();
  return entriesOf(storages).flatMap(([key]): Problem[] => {
    const name = String(key);
    const path: Path = ['storages', name];
    const place = placeOf(valueAt(tree, path));
    if (place === null) return [];
    const twin = first.get(place);
    if (twin === undefined) {
      first.set(place, name);
      return [];
    }
    return [{ path, line: null, message: `is the same place as storages.${twin}; each storage needs one of its own` }];
  });
}

/** What says where it is, without who asks and how; null where too little is known. */
function placeOf(storage: unknown): string | null {
  const text = (key: string, otherwise: string | null = null): string | null => {
    const value = valueAt(storage, [key]);
    return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
  };
  const lower = (value: string | null) => value?.toLowerCase() ?? null;
  const parts: Record<string, () => (string | null)[]> = {
    local: () => [trimmed(text('path'))],
    s3: () => [trimmed(lower(text('endpoint', ''))), text('bucket'), inside(text('prefix', ''))],
    sftp: () => [lower(text('host')), text('port', '22'), text('user'), trimmed(text('path'))],
    webdav: () => [addressOf(text('url'), inside(text('path', '')))],
    rclone: () => [trimmed(text('remote')), text('config', '')],
  };
  const type = text('type', 'local') ?? '';
  const known = parts[type]?.();
  return known === undefined || known.includes(null) ? null : JSON.stringify([type, ...known]);
}

/** `/srv/backups/` is `/srv/backups`, and `/` stays what it is. */
function trimmed(value: string | null): string | null {
  return value?.replace(/(?<=[^:/])\/+$/, '') ?? null;
}

function inside(value: string | null): string | null {
  return value?.replaceAll(/^\/+|\/+$/g, '') ?? null;
}

/** What is the address and what is the path below it is a matter of taste. */
function addressOf(url: string | null, path: string | null): string | null {
  if (url === null || !URL.canParse(url)) return null;
  return trimmed(new URL(`${url.replace(/\/+$/, '')}/${path ?? ''}`).href);
}
