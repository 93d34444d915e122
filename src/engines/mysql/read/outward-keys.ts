import { quotedIdent, unquoteIdent } from '../connect/names.ts';

const begin = new RegExp(`^CREATE TABLE (?:IF NOT EXISTS )?(${quotedIdent}) \\($`);
const outward = new RegExp(
  String.raw`^  CONSTRAINT ${quotedIdent} FOREIGN KEY \((?:${quotedIdent}(?:, )?)+\) REFERENCES (${quotedIdent})\.(${quotedIdent}) \(`,
);

/** A foreign key of `table` to a table of another database. */
export interface OutwardKey {
  table: string;
  database: string;
  parent: string;
}

/**
 * The foreign keys of a script that lead into other databases, which are there and live: whoever deletes a row there has to wait for the
 * table that refers to it, and may not where that one has a row left. `keeps` says of each whether it comes along.
 */
export class OutwardKeys {
  readonly #keeps: (key: OutwardKey) => boolean;
  /** Within the definition of a table: its name. */
  #table: string | null = null;
  /** The line before: what ends a list has no comma behind it. */
  #held = '';

  constructor(keeps: (key: OutwardKey) => boolean) {
    this.#keeps = keeps;
  }

  get empty(): boolean {
    return this.#held === '';
  }

  /** What may be passed on now that this line has come. */
  take(line: string): string {
    if (this.#table === null) {
      const name = begin.exec(line.trimEnd())?.[1];
      if (name !== undefined) this.#table = unquoteIdent(name);
      return line;
    }
    const [, database, parent] = (outward.exec(line) ?? []).map(unquoteIdent);
    if (database !== undefined && parent !== undefined && !this.#keeps({ table: this.#table, database, parent })) {
      if (!/,\s*$/.test(line)) this.#held = this.#held.replace(/,(?=\s*$)/, '');
      return '';
    }
    if (line.startsWith(' ')) {
      const before = this.#held;
      this.#held = line;
      return before;
    }
    this.#table = null;
    return this.flush() + line;
  }

  /** What was held back. */
  flush(): string {
    const held = this.#held;
    this.#held = '';
    return held;
  }
}
