import { createHash, hash, type Hash } from 'node:crypto';
import type { Member } from './member.ts';

/** Zeros are looked for in blocks of this size, from the beginning of a file on: what lies on the disk as a hole does not matter. */
export const zeroBlock = 64 * 1024;
const zeros = Buffer.alloc(zeroBlock);

/**
 * A digest of a tree that does not depend on the order of its members: the sum of the SHA-256 of each. What goes into it is what a
 * restore by any user brings back exactly: path, kind, permissions, size, content, and where links lead; not owner and time.
 */
export class TreeDigest {
  readonly #lanes = new Uint32Array(8);
  readonly #whole = Buffer.alloc(2 * zeroBlock);

  /** A member with its whole content, which must be shorter than a block of zeros. */
  add(member: Member, content: Uint8Array | null): void {
    this.addSaid(describeMember(member), content);
  }

  /** The same, where the member is only known by what `describeMember` says of it. */
  addSaid(said: string, content: Uint8Array | null): void {
    const length = said.length + (content?.length ?? 0);
    const whole = length <= this.#whole.length ? this.#whole : Buffer.alloc(length);
    whole.write(said, 0, 'latin1');
    if (content) whole.set(content, said.length);
    this.#count(hash('sha256', whole.subarray(0, length), 'buffer'));
  }

  /** For a file that comes in pieces, in order; `end` when all of it was given. */
  begin(member: Member): ContentDigest {
    return new ContentDigest(describeMember(member), (digest) => this.#count(digest));
  }

  /** Takes in all that another one counted. */
  merge(hex: string): void {
    this.#count(Buffer.from(hex, 'hex'));
  }

  hex(): string {
    const bytes = Buffer.alloc(32);
    for (const [at, lane] of this.#lanes.entries()) bytes.writeUInt32BE(lane, at * 4);
    return bytes.toString('hex');
  }

  #count(digest: Buffer): void {
    for (let lane = 0; lane < 8; lane += 1) {
      this.#lanes[lane] = ((this.#lanes[lane] ?? 0) + digest.readUInt32BE(lane * 4)) >>> 0;
    }
  }
}

/** Blocks of zeros are counted instead of hashed, so that a large file full of holes is as quick as its content is small. */
export class ContentDigest {
  readonly #hash: Hash;
  readonly #done: (digest: Buffer) => void;
  /** The beginning of a block of which the rest has not come yet. */
  readonly #part = Buffer.alloc(zeroBlock);
  #filled = 0;
  /** Zeros that were not told to the hash yet. */
  #empty = 0;

  constructor(said: string, done: (digest: Buffer) => void) {
    this.#hash = createHash('sha256').update(said, 'latin1');
    this.#done = done;
  }

  update(content: Buffer): void {
    let at = 0;
    if (this.#filled > 0) {
      at = content.copy(this.#part, this.#filled);
      this.#filled += at;
      if (this.#filled < zeroBlock) return;
      this.#filled = 0;
      this.#blocks(this.#part);
    }
    const end = content.length - ((content.length - at) % zeroBlock);
    this.#blocks(content.subarray(at, end));
    this.#filled = content.copy(this.#part, 0, end);
  }

  /** A run of zeros, of any length. */
  zeros(length: number): void {
    let rest = length;
    while (rest > 0) {
      if (this.#filled === 0 && rest >= zeroBlock) {
        const whole = rest - (rest % zeroBlock);
        this.#empty += whole;
        rest -= whole;
      } else {
        const some = Math.min(rest, zeroBlock - this.#filled);
        this.update(zeros.subarray(0, some));
        rest -= some;
      }
    }
  }

  end(): void {
    this.#tellEmpty();
    this.#hash.update(this.#part.subarray(0, this.#filled));
    this.#done(this.#hash.digest());
  }

  #blocks(content: Buffer): void {
    let from = 0;
    for (let at = 0; at < content.length; at += zeroBlock) {
      if (!isZero(content, at, zeroBlock)) continue;
      this.#tell(content.subarray(from, at));
      this.#empty += zeroBlock;
      from = at + zeroBlock;
    }
    this.#tell(content.subarray(from));
  }

  #tell(content: Buffer): void {
    if (content.length === 0) return;
    this.#tellEmpty();
    this.#hash.update(content);
  }

  #tellEmpty(): void {
    if (this.#empty > 0) this.#hash.update(`\0zeros ${this.#empty}\0`);
    this.#empty = 0;
  }
}

export function isZero(content: Buffer, at: number, length: number): boolean {
  // Most content says no at its first byte; comparing is left to the system's own memcmp.
  return content[at] === 0 && content.compare(zeros, 0, length, at, at + length) === 0;
}

/** What of a member goes into the digest, beside its content. */
export function describeMember({ kind, path, mode, size, target }: Member): string {
  const plain = kind === 'file' || kind === 'folder';
  // The bits above are not everybody's to give: setuid, setgid, sticky.
  return `${kind}\0${plain ? (mode & 0o777).toString(8) : ''}\0${size}\0${path}\0${target}\0`;
}
