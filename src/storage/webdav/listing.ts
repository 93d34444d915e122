import type { HoldfastError } from '../../base/errors.ts';
import type { Client } from './client.ts';
import { cutListing, noListing, webdavError } from './errors.ts';

export interface Entry {
  /** Below the storage's root; hidden names included. */
  path: string;
  isFolder: boolean;
  bytes: number;
  modifiedAt: Date;
  /** Where the server tells. */
  quota: { available: number; used: number } | null;
  /** What the server says in the place of what it is. Then it may be a folder, and all that lies in it would be overlooked. */
  untold: HoldfastError | null;
}

export const wanted = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>`;

export const wantedQuota = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><quota-available-bytes/><quota-used-bytes/></prop></propfind>`;

interface Response {
  href?: string;
  /** In the place of properties. */
  status?: string;
  propstat?: { status?: string; prop?: Record<string, unknown> | string }[];
}

/** The end of the document; comments, instructions and space may follow it. */
const end =
  /(<\/([\w.-]+:)?multistatus\s*>|<([\w.-]+:)?multistatus[^<>]*\/>)(\s|<!--((?!-->)[\s\S])*-->|<\?((?!\?>)[\s\S])*\?>)*$/;

/**
 * What a PROPFIND's answer says, whatever prefix the server gives the names. Entries that lie elsewhere are left out. An answer that is
 * not whole would be taken for a folder in which less lies.
 */
export async function readListing(text: string, client: Pick<Client, 'pathOf' | 'title'>): Promise<Entry[]> {
  if (!/<([\w.-]+:)?multistatus[\s/>]/.test(text)) throw noListing(client.title);
  if (!end.test(text)) throw cutListing(client.title);
  // Loaded where it is used: most commands of most people never need it.
  const { XMLParser } = await import('fast-xml-parser');
  const parser = new XMLParser({
    removeNSPrefix: true,
    parseTagValue: false,
    isArray: (name) => name === 'response' || name === 'propstat',
  });
  const parsed = parser.parse(text) as { multistatus?: { response?: Response[] } | string };
  const responses = typeof parsed.multistatus === 'object' ? (parsed.multistatus.response ?? []) : [];
  return responses.flatMap((response) => {
    const path = client.pathOf(response.href ?? '');
    if (path === null || isGone(response) || isForeign(path)) return [];
    const facts = factsOf(response);
    const type = facts.resourcetype;
    const untold = untoldOf(response, path, client.title);
    const available = Number(facts['quota-available-bytes'] ?? Number.NaN);
    const used = Number(facts['quota-used-bytes'] ?? Number.NaN);
    return [
      {
        path,
        isFolder: untold !== null || (typeof type === 'object' && type !== null && 'collection' in type),
        bytes: Number(facts.getcontentlength ?? 0),
        modifiedAt: new Date(typeof facts.getlastmodified === 'string' ? facts.getlastmodified : 0),
        quota: available >= 0 && used >= 0 ? { available, used } : null,
        untold,
      },
    ];
  });
}

/** Nothing of ours is called like this, as `lost+found` is: what cannot be told of it is nobody's loss. */
function isForeign(path: string): boolean {
  return /(^|\/)lost\+found$/.test(path);
}

/** It went while the rest was listed. */
function isGone({ status = '' }: Response): boolean {
  return / (404|410)( |$)/.test(status);
}

function untoldOf({ status, propstat = [] }: Response, path: string, title: string): HoldfastError | null {
  const ofType = propstat.filter(({ prop }) => typeof prop === 'object' && 'resourcetype' in prop);
  for (const said of [status, ...ofType.map((each) => each.status)]) {
    const code = Number(/ (\d{3})( |$)/.exec(said ?? '')?.[1] ?? 200);
    if (code >= 400 && code !== 404) return webdavError(code, path, title);
  }
  return null;
}

/** Properties come in groups by status; those that the server has, in the one with 200. */
function factsOf({ propstat = [] }: Response): Record<string, unknown> {
  const good = propstat.filter(({ status = ' 200 ' }) => / 200( |$)/.test(status));
  return Object.assign({}, ...good.map(({ prop }) => (typeof prop === 'object' ? prop : {}))) as Record<
    string,
    unknown
  >;
}
