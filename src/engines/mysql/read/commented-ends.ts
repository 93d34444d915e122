/**
 * MySQL's tool writes its delimiter on the line on which a statement ends. Where that line ends with a comment, the client takes the
 * delimiter for a part of it, and what follows for a part of the statement. Whether a line is the last of one is told by the next: until
 * then it is held back.
 */
export class CommentedEnds {
  #held = '';

  get empty(): boolean {
    return this.#held === '';
  }

  /** The lines that may be passed on now that this one has come. */
  take(line: string, delimiter: string): string[] {
    const before = this.#held === '' ? [] : [withItsOwnLine(this.#held, line, delimiter)];
    this.#held = mayHide(line, delimiter) ? line : '';
    return this.#held === '' ? [...before, line] : before;
  }

  /** What was held back. */
  flush(): string[] {
    return this.#held === '' ? [] : [this.#held];
  }
}

function mayHide(line: string, delimiter: string): boolean {
  const text = line.trimEnd();
  return delimiter !== ';' && text.endsWith(delimiter) && /#|--\s/.test(text.slice(0, -delimiter.length));
}

/** Of triggers and events the end of the comment for old servers as well, which the tool writes before it: with a space between for events only. */
function withItsOwnLine(line: string, next: string, delimiter: string): string {
  const end = RegExp.escape(delimiter) + String.raw`\s*$`;
  if (/^DELIMITER \S/.test(next)) return line.replace(new RegExp(String.raw` ?((?:\*/)?${end})`), '\n$1');
  return next.startsWith('/*!50003 SET ') ? line.replace(new RegExp(String.raw` ?(\*/ ${end})`), '\n$1') : line;
}
