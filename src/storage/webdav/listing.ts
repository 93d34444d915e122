import type { Client } from './client.ts';

export interface Entry {
  /** Below the storage's root; hidden names included. */
  path: string;
  isFolder: boolean;
  bytes: number;
  modifiedAt: Date;
  /** Where the server tells. */
  quota: { available: number; used: number } | null;
}

export const wanted = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><getcontentlength/><getlastmodified/></prop></propfind>`;

export const wantedQuota = `<?xml version="1.0" encoding="utf-8"?>
<propfind xmlns="DAV:"><prop><resourcetype/><quota-available-bytes/><quota-used-bytes/></prop></propfind>`;

interface Response {
  href?: string;
  propstat?: { status?: string; prop?: Record<string, unknown> | string }[];
}

/** What a PROPFIND's answer says, whatever prefix the server gives the names. Entries that lie elsewhere are left out. */
export async function readListing(text: string, client: Pick<Client, 'pathOf'>): Promise<Entry[]> {
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
    if (path === null) return [];
    const facts = factsOf(response);
    const type = facts.resourcetype;
    const available = Number(facts['quota-available-bytes'] ?? Number.NaN);
    const used = Number(facts['quota-used-bytes'] ?? Number.NaN);
    return [
      {
        path,
        isFolder: typeof type === 'object' && type !== null && 'collection' in type,
        bytes: Number(facts.getcontentlength ?? 0),
        modifiedAt: new Date(typeof facts.getlastmodified === 'string' ? facts.getlastmodified : 0),
        quota: available >= 0 && used >= 0 ? { available, used } : null,
      },
    ];
  });
}

/** Properties come in groups by status; those that the server has, in the one with 200. */
function factsOf({ propstat = [] }: Response): Record<string, unknown> {
  const good = propstat.filter(({ status = ' 200 ' }) => / 200( |$)/.test(status));
  return Object.assign({}, ...good.map(({ prop }) => (typeof prop === 'object' ? prop : {}))) as Record<
    string,
    unknown
  >;
}
