import { inOrderOfReading } from '../look/view-order.ts';

/** No script has views of that many bytes; what is larger passes in the order it has. */
const most = 64 * 1024 * 1024;

/**
 * The views at the end of a script, where the tools write them in the order of their names: held back until the last of them has been
 * read, then passed on in an order in which they can be made.
 */
export class ScriptViews {
  #held: string[] = [];
  #bytes = 0;
  #open: string | null = null;
  #passing = false;

  get empty(): boolean {
    return this.#open === null && this.#held.length === 0;
  }

  /** What may be passed on now that this line has come. */
  add(line: string, databases: readonly string[]): string {
    const begins = line.startsWith(heading) && (this.#open === null || isComplete(this.#open));
    if (this.#passing || (this.empty && !begins)) return line;
    this.#bytes += line.length;
    if (this.#bytes > most) {
      this.#passing = true;
      return this.#held.splice(0).join('') + (this.#open ?? '') + line;
    }
    if (this.#open !== null && (begins || (isComplete(this.#open) && isOther(line)))) this.#close();
    if (begins) this.#open = line;
    else if (this.#open !== null) this.#open += line;
    else return /^(?:--)?\s*$/.test(line) ? line : this.flush(databases) + line;
    return '';
  }

  flush(databases: readonly string[]): string {
    if (this.empty) return '';
    this.#close();
    this.#bytes = 0;
    const views = this.#held.splice(0).map((text) => ({ name: nameOf(text), text }));
    return inOrderOfReading(views, databases)
      .map(({ text }) => text)
      .join('');
  }

  #close(): void {
    if (this.#open !== null) this.#held.push(this.#open);
    this.#open = null;
  }
}

const heading = '-- Final view structure for view `';

/** A name may have line breaks: only after a whole statement, or a whole comment, does a line begin something. */
function isComplete(block: string): boolean {
  return /;\s*$/.test(block.slice(-100));
}

function isOther(line: string): boolean {
  return /^(?:--|\/\*!4|[A-Z])/.test(line);
}

function nameOf(block: string): string {
  const name = /^\/\*!\d+ VIEW `((?:[^`]|``)*)`/m.exec(block)?.[1] ?? '';
  return name.replaceAll('``', '`');
}
