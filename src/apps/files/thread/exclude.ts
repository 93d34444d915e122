/**
 * Which paths of a tree are left out, in the words of `.gitignore`. `path.matchesGlob` of Node is not enough: it knows no `!`, no
 * "folders only", no "anywhere below", and its `*` passes over names that begin with a dot.
 */
export type Exclude = (path: string, folder: boolean) => boolean;

/** Paths are relative to the tree, with `/`. The last pattern that matches decides. */
export function compileExcludes(patterns: readonly string[]): Exclude | null {
  const rules = patterns.map(compile).filter((rule) => rule !== null);
  if (rules.length === 0) return null;
  const last = rules.toReversed();
  return (path, folder) => {
    const rule = last.find(({ foldersOnly, matches }) => (folder || !foldersOnly) && matches.test(path));
    return rule !== undefined && !rule.negated;
  };
}

/** Null: it can be used. */
export function excludeProblem(pattern: string): string | null {
  if (pattern.includes('\0')) return 'a pattern cannot contain a NUL';
  if (/(^|\/)\.\.?(\/|$)/.test(pattern))
    return 'patterns are relative to the tree and cannot contain "." or ".." as a folder';
  return compile(pattern) === null ? 'this pattern matches nothing' : null;
}

interface Rule {
  negated: boolean;
  foldersOnly: boolean;
  matches: RegExp;
}

function compile(text: string): Rule | null {
  const negated = text.startsWith('!');
  let pattern = negated ? text.slice(1) : text;
  const foldersOnly = pattern.endsWith('/');
  pattern = pattern.replace(/\/+$/, '');
  // A slash at the beginning or in the middle ties it to the root of the tree.
  const tied = pattern.includes('/');
  pattern = pattern.replace(/^\/+/, '');
  if (pattern === '') return null;
  return { negated, foldersOnly, matches: new RegExp(`^${tied ? '' : '(?:.*/)?'}${expression(pattern)}$`, 'su') };
}

function expression(pattern: string): string {
  let made = '';
  for (let at = 0; at < pattern.length;) {
    const [piece, length] = pieceAt(pattern, at);
    made += piece;
    at += length;
  }
  return made;
}

/** The piece of a regular expression for what stands at a place, and how much of the pattern it is for. */
function pieceAt(pattern: string, at: number): [piece: string, length: number] {
  const begins = at === 0 || pattern[at - 1] === '/';
  const rest = pattern.slice(at);
  if (begins && rest.startsWith('**/')) return ['(?:[^/]+/)*', 3];
  if (begins && rest === '**') return ['.+', 2];
  const stars = /^\*+/.exec(rest)?.[0].length;
  if (stars !== undefined) return ['[^/]*', stars];
  if (rest.startsWith('?')) return ['[^/]', 1];
  if (rest.startsWith('\\') && rest.length > 1) return [literal(characterAt(rest, 1)), 1 + characterAt(rest, 1).length];
  const set = /^\[(!|\^)?(\]?[^\]/]*)\]/.exec(rest);
  if (set?.[2]) return [characterSet(set[2], set[1] !== undefined), set[0].length];
  const character = characterAt(rest, 0);
  return [literal(character), character.length];
}

function characterSet(inside: string, negated: boolean): string {
  const escaped = inside
    .replaceAll(/[\\\][^&~|!#$%*+,.:;<=>?@`(){}/]/g, String.raw`\$&`)
    .replaceAll(/\\([&~!#%,:;<=>@`])/g, '$1');
  try {
    // A range that runs backwards matches nothing, as in a shell.
    const set = negated ? `(?!/)[^${escaped}]` : `[${escaped}]`;
    return new RegExp(set, 'u').source;
  } catch {
    return '(?!)';
  }
}

function characterAt(text: string, at: number): string {
  return String.fromCodePoint(text.codePointAt(at) ?? 0);
}

function literal(character: string): string {
  return character.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
}
