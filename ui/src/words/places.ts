/** What a source reads from or a restore writes to, as the server calls it. A test fails when the server calls it otherwise. */
export const placesEn = {
  database: '{{name}} on {{server}} as {{user}}',
  folder: 'the folder {{path}}',
  folders: '{{number}} folders',
  nocodb: 'NocoDB at {{address}}',
  nocobase: 'NocoBase in {{path}}',
  unconfigured: 'the database of {{source}}, which is not configured here',
};

export const placesDe: typeof placesEn = {
  database: '{{name}} auf {{server}} als {{user}}',
  folder: 'der Ordner {{path}}',
  folders: '{{number}} Ordner',
  nocodb: 'NocoDB unter {{address}}',
  nocobase: 'NocoBase in {{path}}',
  unconfigured: 'die Datenbank von {{source}}, die hier nicht eingerichtet ist',
};

type PlaceKey = keyof typeof placesEn;

const patterns: Readonly<Record<PlaceKey, RegExp>> = {
  unconfigured: /^the database of (?<source>.+), which is not configured here$/,
  database: /^(?<name>.+) on (?<server>\S+) as (?<user>.+)$/,
  folder: /^the folder (?<path>.+)$/,
  folders: /^(?<number>\d+) folders$/,
  nocodb: /^NocoDB at (?<address>\S+)$/,
  nocobase: /^NocoBase in (?<path>.+)$/,
};

/** Null: it is nothing but a name or a path. */
export function placeIn(title: string): { key: PlaceKey; values: Record<string, string> } | null {
  for (const [key, pattern] of Object.entries(patterns)) {
    const values = pattern.exec(title)?.groups;
    if (values) return { key: key as PlaceKey, values };
  }
  return null;
}
