/** Ids in the backup, and what they are called in the NocoDB that is restored to. */
export type Ids = Map<string, string>;

/** NocoDB's ids are one or a few letters and 14 to 16 characters; older ones have a prefix as `md_`. */
const idPattern = /\b[a-z]{1,4}_?[a-z0-9]{12,18}\b/g;

/** A text with every id in it exchanged. What is not an id of the backup stays as it is. */
export function translatedText(text: string, ids: Ids): string {
  return text.replaceAll(idPattern, (id) => ids.get(id) ?? id);
}

/** A value of any depth: ids stand in settings as values, as keys, and inside of JSON texts. */
export function translated<T>(value: T, ids: Ids): T {
  return JSON.parse(translatedText(JSON.stringify(value), ids)) as T;
}
