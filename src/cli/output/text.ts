import { stripVTControlCharacters } from 'node:util';
import { formatCount } from '../../base/units.ts';

const names: Record<string, string> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/**
 * Text of foreign origin (names, descriptions, messages) on one line. Control characters become visible: a name in a
 * hostile manifest could otherwise move the cursor, hide lines or set the window's title.
 */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu,
    (character) => names[character] ?? codePoint(character),
  );
}

/** The same, but lines stay lines. */
export function printableLines(text: string): string[] {
  return text
    .trimEnd()
    .split(/\r?\n/)
    .map((line) => printable(line.replaceAll('\t', '  ')));
}

/** Cuts to a number of columns with `…`; only for text without styles. */
export function clip(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  let used = 0;
  for (const segment of graphemes(text)) {
    const next = columnsOf(segment);
    if (used + next > columns - 1) break;
    kept += segment;
    used += next;
  }
  return columns > 0 ? `${kept}…` : '';
}

/** Columns on a terminal: East Asian wide characters and emoji take two. */
export function columnsOf(text: string): number {
  const plain = stripVTControlCharacters(text);
  return graphemes(plain).reduce((columns, grapheme) => columns + (wide.test(grapheme) ? 2 : 1), 0);
}

/** What nothing combines with: ASCII, the letters of Western and Central Europe, and the signs this program draws with. */
const simple = /^[ -~¡-¬®-ɏ–—‘-‟•…←-⇿─-╿✓✗]*$/;
const wide =
  /\p{Emoji_Presentation}|[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE6F\uFF00-\uFF60\uFFE0-\uFFE6]/u;

let segmenter: Intl.Segmenter | undefined;

/** Making a segmenter takes longer than everything else `--help` does. */
function graphemes(text: string): string[] {
  if (simple.test(text)) return text.split('');
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' });
  return [...segmenter.segment(text)].map(({ segment }) => segment);
}

export function padTo(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - columnsOf(text)));
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

/** Paragraphs (separated by an empty line) filled to a width. */
export function wrap(text: string, columns: number): string[] {
  return text
    .trim()
    .split(/\n\s*\n/)
    .flatMap((paragraph, index) => [...(index > 0 ? [''] : []), ...fill(paragraph.split(/\s+/), columns)]);
}

/** Text behind a label, its further lines below its first; words are never broken. */
export function hanging(label: string, text: string, columns: number): string[] {
  const indent = columnsOf(label);
  if (indent + columnsOf(text) <= columns) return [label + text];
  // Where hardly anything would fit beside the label, it is better to let the terminal wrap.
  const lines = columns - indent < 20 ? [text] : fill(text.split(' '), columns - indent);
  return lines.map((line, index) => (index === 0 ? label : ' '.repeat(indent)) + line);
}

function fill(words: readonly string[], columns: number): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && columnsOf(`${last} ${word}`) <= columns) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}

function codePoint(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
