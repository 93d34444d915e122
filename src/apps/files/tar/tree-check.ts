import type { Member } from './member.ts';
import { safePath } from './safe-path.ts';
import { hostile } from './errors.ts';
import type { TarSink } from './reader.ts';
import { zeroBlock, type ContentDigest } from './tree-digest.ts';
import { ContentTally } from './tree-content.ts';

/** Counts and digests a tar without writing anything. */
export class TreeCheck implements TarSink {
  readonly tally = new ContentTally();
  #member: Member | null = null;
  #small: Buffer[] = [];
  #digest: ContentDigest | null = null;
  #end = 0;

  member(said: Member): void {
    const target = said.kind === 'link' ? safePath(said.target) : said.target;
    const member = { ...said, path: safePath(said.path), target };
    if (member.path === '' && member.kind !== 'folder') throw hostile('a member without a name', said.path);
    this.#member = member;
    this.#small = [];
    this.#end = 0;
    this.#digest = member.kind === 'file' && member.size >= zeroBlock ? this.tally.digest.begin(member) : null;
    this.tally.count(member);
  }

  content(bytes: Buffer, at: number): void {
    if (!this.#digest) {
      // What goes on in the next piece has to outlive this one.
      const last = at + bytes.length === this.#member?.size;
      this.#small.push(last ? bytes : Buffer.from(bytes));
      return;
    }
    this.#digest.zeros(at - this.#end);
    this.#digest.update(bytes);
    this.#end = at + bytes.length;
  }

  end(): void {
    if (!this.#member) return;
    if (this.#digest) {
      this.#digest.zeros(this.#member.size - this.#end);
      this.#digest.end();
    } else {
      const [first] = this.#small;
      this.tally.digest.add(this.#member, first && this.#small.length === 1 ? first : Buffer.concat(this.#small));
    }
    this.#member = null;
  }
}
