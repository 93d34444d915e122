import { HoldfastError } from '../../../base/errors.ts';
import { statusOf, withStatus, type EventStatus } from './event-status.ts';
import { definerPattern, otherDatabase, quotedIdent, quoteIdent, unquoteIdent } from '../connect/names.ts';
import { CommentedEnds } from './commented-ends.ts';
import { OutwardKeys, type OutwardKey } from './outward-keys.ts';
import { beginsRows, begunEnd, endOfRows } from './script-rows.ts';
import { ScriptViews } from './script-views.ts';
import { longestName, namesDatabase, stayingIn } from './script-target.ts';
import { withoutDatabase } from '../look/trigger-text.ts';

export interface ScriptRules {
  /** The database the script is fed into. */
  into: string;
  /** Null: as it is. Otherwise the one who acts instead. */
  definer: (account: string) => string | null;
  /** Who acted until now, and the object. */
  onDefiner: (account: string, object: string) => void;
  /** What it was: one that would run is loaded switched off. */
  onEvent: (name: string, status: EventStatus | null) => void;
  /** A routine, trigger or event whose text names the database it came from. */
  onOwnName: (object: string) => void;
  /** The length of a statement with rows, as far as it has been read. */
  onRows: (bytes: number) => void;
  /** Something about replication that belongs to the server it came from, and was left out. */
  onReplication: () => void;
  /** Whether a foreign key that leads into another database comes along. */
  keepsKey: (key: OutwardKey) => boolean;
}

/**
 * The script of a dump as it may go into a database of any name: definers, the former database's name in views, and running events
 * are rewritten, in the statements that make objects only. What it says of replication is left out, and a view comes after those it
 * reads. Rows pass as they are.
 */
export async function* rewriteScript(source: AsyncIterable<Buffer>, rules: ScriptRules): AsyncIterable<Buffer> {
  const rewriter = new Rewriter(rules);
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    const done: Buffer[] = [];
    rest = rewriter.take(rest, done);
    if (rest.length > longestLine) throw tooLong();
    if (done.length > 0) yield done.length === 1 && done[0] ? done[0] : Buffer.concat(done);
  }
  if (rest.length > 0) yield rewriter.line(rest);
  yield rewriter.end();
}

/** A statement that makes an object; the server itself takes no larger one. */
const longestLine = 1024 * 1024 * 1024;

class Rewriter {
  readonly #rules: ScriptRules;
  /** The script's own word on where it came from, each byte as a character. */
  #from: string | null = null;
  #into: string;
  #inRows = false;
  #rowBytes = 0;
  #delimiter = ';';
  #object: string | null = null;
  #named = false;
  /** The beginning of what makes an object, until its end has been read: the server keeps some as they were written, on several lines. */
  #code = '';
  /** Within a list of transactions that goes on. */
  #inList = false;
  readonly #views = new ScriptViews();
  readonly #ends = new CommentedEnds();
  readonly #keys: OutwardKeys;

  constructor(rules: ScriptRules) {
    this.#rules = rules;
    this.#keys = new OutwardKeys(({ table, database, parent }) => {
      return rules.keepsKey({ table: decoded(table), database: decoded(database), parent: decoded(parent) });
    });
    this.#into = bytesOf(rules.into);
  }

  /** Puts what can be passed on into `done` and returns what is not yet complete. */
  take(text: Buffer, done: Buffer[]): Buffer {
    let at = 0;
    let passed = 0;
    const pass = (to: number) => {
      if (to > passed) done.push(text.subarray(passed, to));
      passed = to;
    };
    for (;;) {
      if (this.#inRows) {
        // Line breaks in values are written as `\n`: this can only be the end of the statement.
        const end = endOfRows(text, at);
        if (end === -1) {
          const whole = text.length - begunEnd(text);
          this.#countRows(whole - at);
          pass(Math.max(at, whole));
          return Buffer.from(text.subarray(passed));
        }
        this.#countRows(end + 1 - at);
        this.#inRows = false;
        at = text.indexOf(0x0a, end) + 1;
      }
      if (this.#delimiter === ';' && beginsRows(text, at)) {
        if (text.length - at < longestName && text.indexOf(0x0a, at) === -1) {
          pass(at);
          return Buffer.from(text.subarray(passed));
        }
        stayingIn(this.#into, text.toString('latin1', at, at + longestName));
        if (!this.#views.empty || !this.#keys.empty) {
          pass(at);
          done.push(this.end());
        }
        this.#inRows = true;
        this.#rowBytes = 0;
        continue;
      }
      const newline = text.indexOf(0x0a, at);
      if (newline === -1) {
        pass(at);
        return Buffer.from(text.subarray(passed));
      }
      const line = text.subarray(at, newline + 1);
      const rewritten = this.line(line);
      if (rewritten !== line) {
        pass(at);
        done.push(rewritten);
        passed = newline + 1;
      }
      at = newline + 1;
    }
  }

  #countRows(bytes: number): void {
    this.#rowBytes += Math.max(0, bytes);
    this.#rules.onRows(this.#rowBytes);
  }

  line(line: Buffer): Buffer {
    if (line.length < 3 && !this.#isHolding()) return line;
    // Every byte is a character, so that whatever encoding stands there comes out as it was.
    const text = line.toString('latin1');
    const changed = this.#changeAll(this.#ends.take(text, this.#delimiter));
    return changed === text ? line : Buffer.from(changed, 'latin1');
  }

  #isHolding(): boolean {
    return !this.#views.empty || this.#code !== '' || !this.#ends.empty || !this.#keys.empty;
  }

  #changeAll(lines: readonly string[]): string {
    return lines.map((each) => this.#views.add(this.#change(each), this.#databases())).join('');
  }

  /** What was held back. */
  end(): Buffer {
    const held = this.#changeAll(this.#ends.flush());
    const code = this.#keys.flush() + this.#takeCode();
    return Buffer.from(held + code + this.#views.flush(this.#databases()), 'latin1');
  }

  #databases(): string[] {
    return this.#from === null ? [this.#into] : [this.#from, this.#into];
  }

  #change(text: string): string {
    const delimiter = /^DELIMITER (\S+)/.exec(text)?.[1];
    if (delimiter !== undefined) {
      const before = this.#takeCode();
      this.#delimiter = delimiter;
      this.#object = null;
      this.#named = false;
      return before + text;
    }
    if (this.#delimiter !== ';') return this.#changeCode(text);
    if (this.#inList ? moreTransactions.test(text) : replication.test(text)) {
      this.#inList = /,\s*$/.test(text);
      this.#rules.onReplication();
      return '';
    }
    this.#inList = false;
    if (mode.test(text)) return text.replace(mode, withAnyDate);
    if (lock.test(text)) return '';
    // The tools' sandbox, which other products and older clients do not know; no commands run anyway.
    if (text.startsWith('/*M!999999')) return '';
    if (text.startsWith('-- Host: ')) {
      this.#from ??= /^-- Host: .*? {4}Database: (.+?)\r?\n?$/.exec(text)?.[1] ?? null;
      return text;
    }
    stayingIn(this.#into, text);
    if (altering.test(text)) return this.#changeAltered(text);
    if (/^\/\*!\d+ DEFINER=/.test(text)) return this.#changeDefiner(text, 'a view');
    if (/^\/\*!\d+ VIEW /.test(text)) return this.#changeNames(text);
    // A default may take its numbers from a sequence, which the server names with its database.
    return this.#keys.take(text.startsWith('  `') ? this.#changeNames(text) : text);
  }

  #changeCode(text: string): string {
    if (this.#code === '' && altering.test(text)) return this.#changeAltered(text);
    if (this.#object !== null) {
      this.#noteName(text);
      return text;
    }
    this.#code += text;
    return text.trimEnd().endsWith(this.#delimiter) ? this.#takeCode() : '';
  }

  #takeCode(): string {
    const text = this.#code;
    this.#code = '';
    const made = creation.exec(text);
    if (!made) return stayingIn(this.#into, text);
    const [, kind = '', name = ''] = made;
    this.#object = `${kind.toLowerCase()} ${textOf(name)}`;
    let statement = this.#changeDefiner(text, this.#object);
    if (/trigger/i.test(kind) && this.#from !== null) statement = withoutDatabase(statement, this.#from);
    if (/event/i.test(kind)) statement = this.#changeEvent(statement, textOf(name));
    this.#noteName(statement);
    return statement;
  }

  /** Only the first one, which stands before the object's name. */
  #changeDefiner(text: string, object: string): string {
    return text.replace(definerPattern, (whole, user: string, host: string | undefined) => {
      const account = `${textOf(user)}@${host === undefined ? '' : textOf(host)}`;
      const other = this.#rules.definer(account);
      if (other === null) return whole;
      this.#rules.onDefiner(account, object);
      return `DEFINER=${other}`;
    });
  }

  /** Around what was made before the database got another character set: the tools name the one they come from. */
  #changeAltered(text: string): string {
    const [, name = ''] = altering.exec(text) ?? [];
    if (this.#from === null || unquoteIdent(name) !== this.#from) throw namesDatabase();
    return text.replace(name, () => quoteIdent(this.#into));
  }

  #changeNames(text: string): string {
    return this.#from === null ? text : otherDatabase(text, this.#from, this.#into);
  }

  #changeEvent(text: string, name: string): string {
    const status = statusOf(text);
    this.#rules.onEvent(name, status);
    return status === 'enabled' ? withStatus(text, 'asleep') : text;
  }

  #noteName(text: string): void {
    if (this.#named || this.#from === null || this.#from === this.#into || this.#object === null) return;
    const from = RegExp.escape(this.#from);
    if (!new RegExp(`(?:\`${from}\`|"${from}"|(?<![\\w$\`.'"])${from})\\s*\\.`).test(text)) return;
    this.#named = true;
    this.#rules.onOwnName(this.#object);
  }
}

/**
 * MySQL's tool writes it unless told otherwise: which transactions the server had, and that nothing of the script goes into the binary
 * log. Another server's list is not this one's, and its replicas must get what is restored. The list has a line for each server.
 */
const replication =
  /^SET (?:(?:@@GLOBAL\.GTID_PURGED|@MYSQLDUMP_TEMP_LOG_BIN|@@SESSION\.SQL_LOG_BIN)\s*=[^;]*;|@@GLOBAL\.GTID_PURGED\s*=[^;]*,)\s*$/;
const moreTransactions = /^[0-9a-f]{8}-[0-9a-f-]{27}:[^;']*(?:,|';)\s*$/i;

const altering = new RegExp(String.raw`^(?:/\*!\d+ )?ALTER (?:DATABASE|SCHEMA)\s+(${quotedIdent}|\S+)`, 'i');

/** In the tools' own mode a day that no calendar has becomes 0000-00-00 without a word; tables keep such days from sessions that allowed them. */
const mode = /^(\/\*!\d+ SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE=')([^']*)'/;

function withAnyDate(_whole: string, before: string, modes: string): string {
  return `${before}${modes === '' ? '' : `${modes},`}ALLOW_INVALID_DATES'`;
}

/** Nobody else is in a new database; and under a lock on one table the server does not let it take from a sequence. */
const lock = /^(?:LOCK TABLES `(?:[^`]|``)*` WRITE|UNLOCK TABLES);\s*$/;

/** With the comments for old servers, or without; the name as it was quoted, or bare as triggers keep it. */
const creation = new RegExp(
  String.raw`^(?:/\*!\d+ )?CREATE(?:\s*\*/)?\s+(?:/\*!\d+ )?(?:DEFINER=${quotedIdent}(?:@${quotedIdent})?\s*(?:\*/)?\s*)?(?:/\*!\d+ )?` +
    String.raw`(?:OR REPLACE )?(?:AGGREGATE )?(TRIGGER|EVENT|FUNCTION|PROCEDURE|PACKAGE BODY|PACKAGE)\s+(?:IF\s+NOT\s+EXISTS\s+)?(${quotedIdent}|\S+)`,
  'i',
);

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function textOf(bytes: string): string {
  return decoded(unquoteIdent(bytes));
}

function decoded(bytes: string): string {
  return Buffer.from(bytes, 'latin1').toString('utf8');
}

function tooLong(): HoldfastError {
  return new HoldfastError('DUMP_DAMAGED', 'the dump has a line that no dump tool writes', {
    kind: 'integrity',
    hint: 'Use another backup.',
  });
}
