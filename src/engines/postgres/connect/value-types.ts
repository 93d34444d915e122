import type { CustomTypesConfig } from 'pg';

/** Small numbers, truth values, texts and lists of names as such; everything else as the server's text. */
export const valueTypes: CustomTypesConfig = {
  getTypeParser: (oid: number) => parsers.get(oid) ?? ((text: string) => text),
};

const parsers = new Map<number, (text: string) => unknown>([
  [16, (text) => text === 't'],
  [21, Number],
  [23, Number],
  [26, Number],
  [114, JSON.parse],
  [3802, JSON.parse],
  [1003, parseTextArray],
  [1009, parseTextArray],
]);

/** A one-dimensional array in the server's text form. */
function parseTextArray(text: string): (string | null)[] {
  const items: (string | null)[] = [];
  for (const [, quoted, plain] of text.matchAll(/[{,](?:"((?:[^"\\]|\\.)*)"|([^{},"]+))/gs)) {
    if (quoted !== undefined) items.push(quoted.replaceAll(/\\(.)/gs, '$1'));
    else items.push(plain === 'NULL' ? null : (plain ?? ''));
  }
  return items;
}
