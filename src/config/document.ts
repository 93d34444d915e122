import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit, type Document, type Node } from 'yaml';
import { formatPath, type Path } from './path.ts';
import type { Problem } from './problems.ts';

/** A configuration file as it is written: plain values, the line of each, and what is wrong with its form. */
export interface WrittenConfig {
  readonly tree: unknown;
  readonly document: Document;
  readonly problems: readonly Problem[];
  /** The line of a setting, or of the nearest thing around it that is written. */
  lineOf(path: Path): number | null;
  /** From this line on the text could not be understood, so nothing below it can be judged. */
  readonly brokenFrom: number | null;
}

const deepest = 30;
const mostNodes = 100_000;

export function readDocument(text: string): WrittenConfig {
  const counter = new LineCounter();
  const lineAt = (offset: number) => counter.linePos(offset).line;
  // `prettyErrors` would quote the lines around an error, and with them passwords.
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, merge: true });
  const broken = document.errors.filter(({ code }) => code !== 'DUPLICATE_KEY').map(({ pos }) => lineAt(pos[0]));
  const formal = [...document.errors, ...document.warnings].map(({ code, pos }) => ({ line: lineAt(pos[0]), code }));
  const dangling = removeDanglingAliases(document).map((offset) => ({ line: lineAt(offset), code: 'BAD_ALIAS' }));
  const problems = oncePerLine([...formal, ...dangling]);

  const lines = new Map<string, number>();
  const notes = { document, lineAt, lines, nodes: 0 };
  const tree = noteLines(document.contents, [], notes) ? toTree(document) : null;
  if (tree === null)
    problems.push({ path: [], line: null, message: 'aliases (*name) repeat or contain each other without end' });
  return {
    tree: tree ?? {},
    document,
    problems,
    brokenFrom: broken.length === 0 ? null : Math.min(...broken),
    lineOf: (path) => {
      for (let length = path.length; length >= 0; length -= 1) {
        const line = lines.get(formatPath(path.slice(0, length)));
        if (line !== undefined) return line;
      }
      return null;
    },
  };
}

function toTree(document: Document): unknown {
  try {
    return document.toJS() ?? {};
  } catch {
    return null;
  }
}

function removeDanglingAliases(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Alias: (_key, node) => {
      if (node.resolve(document)) return undefined;
      offsets.push(node.range?.[0] ?? 0);
      return document.createNode(null);
    },
  });
  return offsets;
}

interface Notes {
  document: Document;
  lineAt(offset: number): number;
  lines: Map<string, number>;
  nodes: number;
}

/** False when it goes too deep or too far: aliases may contain themselves, or multiply. */
function noteLines(node: unknown, path: Path, notes: Notes): boolean {
  notes.nodes += 1;
  if (path.length > deepest || notes.nodes > mostNodes) return false;
  if (isAlias(node)) return noteLines(node.resolve(notes.document), [...path], notes);
  if (isSeq(node)) return node.items.every((item, index) => noteAt(item, [...path, index], notes, item));
  if (!isMap(node)) return true;
  return node.items.every(
    ({ key, value }) => !isScalar(key) || noteAt(key, [...path, String(key.value)], notes, value),
  );
}

function noteAt(place: unknown, path: Path, notes: Notes, content: unknown): boolean {
  const text = formatPath(path);
  const range = (place as Node | null)?.range;
  if (range && !notes.lines.has(text)) notes.lines.set(text, notes.lineAt(range[0]));
  return noteLines(content, path, notes);
}

function oncePerLine(found: readonly { line: number; code: string }[]): Problem[] {
  const first = new Map<number, string>();
  for (const { line, code } of found) if (!first.has(line)) first.set(line, code);
  return [...first].map(([line, code]) => ({
    path: [],
    line,
    message: explanations[code] ?? 'this is not valid YAML',
  }));
}

/** In our words throughout: the library's messages quote the text, which may be a password. */
const explanations: Record<string, string> = {
  BAD_ALIAS: 'a value that begins with * must be in quotes (without them, *name stands for an anchor &name)',
  BAD_DQ_ESCAPE: 'a backslash in "double quotes" must be doubled, or the value put in \'single quotes\'',
  BAD_INDENT: 'the indentation does not fit, or a bracket or brace is not closed',
  BAD_SCALAR_START: 'a value that begins with @, ` or % must be in quotes',
  BLOCK_AS_IMPLICIT_KEY: 'a value that contains ": " must be in quotes',
  DUPLICATE_KEY: 'this key stands here twice',
  MISSING_CHAR: 'a quote, bracket, brace or comma is missing',
  MULTIPLE_DOCS: 'the file holds several documents; only one is allowed',
  TAB_AS_INDENT: 'a tab is used to indent; use spaces',
  TAG_RESOLVE_FAILED: 'a value that begins with ! must be in quotes (tags have no meaning here)',
  UNEXPECTED_TOKEN: 'something stands here that does not belong, often a value that needs quotes',
};
