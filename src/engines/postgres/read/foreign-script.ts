import { letGo } from '../../../base/reuse.ts';
import { goesElsewhere, isOfDatabase, mayBeOfDatabase } from './database-statements.ts';

/**
 * A script of `pg_dump --create` drops and makes the database that it was taken from, and goes on in there. Loaded into another one,
 * that would be the end of the live database. What a script says of databases is left out, and `told`; one that goes elsewhere in its
 * middle is refused. `restricted`: psql is told already to take no commands but SQL, and refuses to be told again.
 */
export async function* foreignScript(
  script: AsyncIterable<Buffer>,
  { restricted, told }: { restricted: boolean; told: (what: string) => void },
): AsyncGenerator<Buffer> {
  const reader = new ScriptReader(restricted);
  // Latin-1 keeps every byte as it is.
  for await (const chunk of script) yield Buffer.from(reader.read(chunk.toString('latin1'), false), 'latin1');
  yield Buffer.from(reader.read('', true), 'latin1');
  if (reader.left.size > 0)
    told(`left out of the script, which is about another database: ${[...reader.left].join(', ')}`);
}

/** The beginning of every statement, bytes as characters (Latin-1), without comments and before its rows. */
export async function* statementsOf(script: AsyncIterable<Buffer>): AsyncGenerator<string> {
  let found: string[] = [];
  const reader = new ScriptReader(true, (head) => found.push(head));
  for await (const chunk of script) {
    reader.read(chunk.toString('latin1'), false);
    letGo(chunk);
    yield* found;
    found = [];
  }
  reader.read('', true);
  yield* found;
}

/** What was begun, and is followed as psql does, so that text and rows are never taken for commands. */
type Mode =
  | { in: 'code' }
  | { in: 'rows' }
  | { in: 'comment'; depth: number }
  /** `pair` is text that only looks like the end. */
  | { in: 'string'; end: string; pair: RegExp; escapes?: boolean }
  /** After a text with escapes, which may go on. */
  | { in: 'gap' };

const code: Mode = { in: 'code' };
/** Everything in code that matters. A word stands whole, so that `a$b$` opens nothing. */
const token =
  /'|"|\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|--|\/\*|;|\\|[A-Za-z_\x80-\xff][\w$\x80-\xff]*|\d[\w.]*|[^\s\w\x80-\xff]/g;
/** The same without words: they matter at the beginning of a statement, and INSERTs are long. */
const tokenInside =
  /(?<![\w$\x80-\xff])[eE]'|'|"|(?<![\w$\x80-\xff])\$(?:[A-Za-z_\x80-\xff][\w\x80-\xff]*)?\$|--|\/\*|;|\\/g;
/**
 * A text goes on after a line end, with its escapes. psql reads a script line by line, so that for it only a carriage return is one; what the server sees
 * otherwise it gets cut in the wrong place, and refuses.
 */
const continued = /[ \t\f\v]*(?:--[^\n\r]*)?\r(?:[ \t\r\f\v]|--[^\n\r]*\r)*'/y;
/** What may be the beginning of it. */
const continuing = /[ \t\f\v]*(?:(?:--[^\n\r]*)?\r(?:[ \t\r\f\v]|--[^\n\r]*\r)*)?(?:-|--[^\n\r]*)?$/y;
/** Longer than every token but words: one that begins this near to the end of a piece waits for the next. */
const lookAhead = 128;
const byteOrderMark = '\u00ef\u00bb\u00bf';

class ScriptReader {
  readonly left = new Set<string>();
  #mode: Mode = code;
  #unread = '';
  #begun = false;
  #passed = '';
  /** Of the statement that is being read, until it is known whether it stays; null: it does. */
  #held: string | null = '';
  #words: string[] = [];
  #lastWord = '';
  #wordBefore = '';
  #takesRows = false;
  /** Whatever its end looks like, no word goes on after it. */
  #afterText = false;
  #escapes = false;
  #madeSomething = false;
  readonly #restricted: boolean;
  readonly #onStatement: ((head: string) => void) | null;
  #head = '';

  constructor(restricted: boolean, onStatement: ((head: string) => void) | null = null) {
    this.#restricted = restricted;
    this.#onStatement = onStatement;
  }

  read(piece: string, last: boolean): string {
    this.#unread += piece;
    if (!this.#begun && this.#unread.length < byteOrderMark.length && !last) return '';
    if (!this.#begun && this.#unread.startsWith(byteOrderMark)) this.#unread = this.#unread.slice(byteOrderMark.length);
    this.#begun = true;
    let at = 0;
    for (let next = this.#step(at, last); next !== null; next = this.#step(at, last)) at = next;
    this.#unread = this.#unread.slice(at);
    if (last) this.#endStatement();
    const passed = this.#passed;
    this.#passed = '';
    return passed;
  }

  /** Reads on, and says up to where; null when nothing more can be told before the next piece. */
  #step(at: number, last: boolean): number | null {
    if (at >= this.#unread.length) return null;
    switch (this.#mode.in) {
      case 'code':
        return this.#readCode(at, last);
      case 'rows':
        return this.#readRows(at, last);
      case 'comment':
        return this.#readComment(this.#mode, at, last);
      case 'string':
        return this.#readString(this.#mode, at, last);
      case 'gap':
        return this.#readGap(at, last);
    }
  }

  #readCode(at: number, last: boolean): number | null {
    const skipsWords = this.#held === null && !this.#afterText && !readWhole.has(this.#words[0] ?? '');
    const next = skipsWords ? tokenInside : token;
    next.lastIndex = at;
    const found = next.exec(this.#unread);
    // A dash at its end may be the first of two; a letter, what makes escapes of a string.
    if (!found) return this.#takeBut(lookAhead, at, last);
    const [text] = found;
    const end = found.index + text.length;
    if (!last && (end === this.#unread.length || found.index > this.#unread.length - lookAhead)) return null;
    this.#afterText = false;
    const before = found.index === at ? this.#lastWord : '';
    this.#lastWord = '';
    if (text === '\\') return this.#readCommand(at, found.index, last);
    this.#take(at, end);
    // What is about a database begins with a word.
    if (this.#words.length === 0 && !/^(?:[A-Za-z_\x80-\xff]|;|--|\/\*)/.test(text)) this.#release();
    if (text === ';') this.#endStatement();
    else if (text === "E'" || text === "e'") this.#mode = quoted("'", true);
    else if (text === "'") this.#mode = quoted("'", this.#escapes || before === 'e');
    else if (text === '"') this.#mode = quoted('"', false);
    else if (text === '--') this.#beginComment({ in: 'string', end: '\n', pair: /[\r\n]/g });
    else if (text === '/*') this.#beginComment({ in: 'comment', depth: 1 });
    else if (text.startsWith('$') && text.length > 1) {
      this.#mode = { in: 'string', end: text, pair: new RegExp(text.replaceAll('$', '\\$'), 'g') };
    } else if (/^[A-Za-z_\x80-\xff]/.test(text)) this.#addWord(text.toLowerCase());
    return end;
  }

  /** A command of psql ends with its line. */
  #readCommand(at: number, from: number, last: boolean): number | null {
    const newline = this.#unread.indexOf('\n', from);
    if (newline === -1 && !last) return null;
    const end = newline === -1 ? this.#unread.length : newline + 1;
    const command = this.#unread.slice(from, end);
    if (this.#restricted && /^\\(un)?restrict\b/.test(command)) {
      this.#take(at, from);
      return end;
    }
    if (!/^\\(c|connect)\b/.test(command)) {
      this.#take(at, from);
      const head = this.#head;
      this.#take(from, end);
      this.#head = head;
      // It sends what was read, as a semicolon does.
      if (/^\\(g|crosstabview|watch)/.test(command)) this.#endStatement();
      return end;
    }
    if (this.#madeSomething) throw goesElsewhere(command.trim());
    this.left.add('\\connect');
    this.#take(at, from);
    return end;
  }

  #readRows(at: number, last: boolean): number | null {
    const found = this.#unread.indexOf('\n\\.', at);
    if (found === -1) return this.#takeBut(3, at, last);
    const newline = this.#unread.indexOf('\n', found + 1);
    if (newline === -1 && !last) return null;
    const end = this.#take(at, newline === -1 ? this.#unread.length : newline + 1);
    this.#mode = code;
    this.#held = '';
    return end;
  }

  #readComment(mode: { depth: number }, at: number, last: boolean): number | null {
    const mark = /\/\*|\*\//g;
    mark.lastIndex = at;
    const found = mark.exec(this.#unread);
    if (!found) return this.#takeBut(1, at, last);
    const depth = mode.depth + (found[0] === '/*' ? 1 : -1);
    const end = this.#take(at, mark.lastIndex);
    this.#mode = depth === 0 ? code : { in: 'comment', depth };
    return end;
  }

  #readString(
    { end, pair, escapes }: { end: string; pair: RegExp; escapes?: boolean },
    at: number,
    last: boolean,
  ): number | null {
    pair.lastIndex = at;
    for (let read = at; ;) {
      const found = pair.exec(this.#unread);
      if (!found) return this.#takeBut(end.length, at, last, read);
      read = pair.lastIndex;
      // A comment ends with any line end, as it does for psql.
      if (found[0] !== end && end !== '\n') continue;
      // A quote at the very end may be the first of two.
      if (end.length === 1 && end !== '\n' && read === this.#unread.length && !last)
        return found.index === at ? null : this.#take(at, found.index);
      const upTo = this.#take(at, read);
      this.#mode = escapes ? { in: 'gap' } : code;
      this.#afterText = true;
      return upTo;
    }
  }

  #readGap(at: number, last: boolean): number | null {
    continued.lastIndex = at;
    continuing.lastIndex = at;
    const goesOn = continued.test(this.#unread);
    if (!goesOn && !last && continuing.test(this.#unread)) return null;
    this.#mode = goesOn ? quoted("'", true) : code;
    return goesOn ? this.#take(at, continued.lastIndex) : at;
  }

  #beginComment(mode: Mode): void {
    this.#mode = mode;
    if (this.#head.length < headChars) this.#head = this.#head.slice(0, -2);
  }

  /** All but the last few, which may be the beginning of what is looked for. */
  #takeBut(few: number, at: number, last: boolean, read = at): number | null {
    const end = last ? this.#unread.length : Math.max(read, this.#unread.length - few);
    return end <= at ? null : this.#take(at, end);
  }

  #take(from: number, to: number): number {
    const text = this.#unread.slice(from, to);
    if (this.#held === null) this.#passed += text;
    else this.#held += text;
    if (this.#onStatement && this.#head.length < headChars && !isComment(this.#mode))
      this.#head += text.slice(0, headChars - this.#head.length);
    return to;
  }

  #addWord(word: string): void {
    this.#lastWord = word;
    // A list of columns may be longer than what is remembered.
    this.#takesRows ||= word === 'stdin' && this.#wordBefore === 'from';
    this.#wordBefore = word;
    if (this.#words.length < mostWords) this.#words.push(word);
    if (this.#held !== null && !mayBeOfDatabase(this.#words)) this.#release();
  }

  #release(): void {
    this.#passed += this.#held ?? '';
    this.#held = null;
  }

  #endStatement(): void {
    const words = this.#words;
    const [first = ''] = words;
    this.#onStatement?.(this.#head.trim());
    this.#head = '';
    if (this.#held !== null && isOfDatabase(words)) this.left.add(words.slice(0, 2).join(' ').toUpperCase());
    else {
      this.#release();
      if (first !== '' && !harmless.has(first)) this.#madeSomething = true;
    }
    if (first === 'set' && words[1] === 'standard_conforming_strings')
      this.#escapes = (words[2] === 'to' ? words[3] : words[2]) === 'off';
    const rows = first === 'copy' && this.#takesRows;
    this.#mode = rows ? { in: 'rows' } : code;
    this.#words = [];
    this.#wordBefore = '';
    this.#takesRows = false;
    this.#held = rows ? null : '';
  }
}

const mostWords = 1000;
/** As much as any two names take. */
const headChars = 1024;
/** What a script begins with before it makes anything. */
const harmless = new Set(['set', 'select']);
/** Of these, the words to the end say what follows. */
const readWhole = new Set(['copy', 'set']);

function isComment(mode: Mode): boolean {
  return mode.in === 'comment' || mode.in === 'rows' || (mode.in === 'string' && mode.end === '\n');
}

function quoted(end: string, escapes: boolean): Mode {
  return { in: 'string', end, escapes, pair: escapes ? /\\[\s\S]|''|'/g : end === "'" ? /''|'/g : /""|"/g };
}
