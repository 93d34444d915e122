/** Few, large pieces: each is a message between threads and a round trip through every stage of the pipeline. */
export const chunkBytes = 1024 * 1024;

/** A piece of a tar, with those members in it whose digest is still to be taken: that is work for the other thread. */
export interface Chunk {
  bytes: Buffer;
  members: Undigested[];
}

/** What `describeMember` says of it, and where its content lies in the piece. */
export type Undigested = [said: string, from: number, to: number];

/** Where a tar is written: a buffer that is given away when it is full. */
export class Chunks {
  readonly #send: ((chunk: Chunk) => void) | null;
  readonly #memory: () => Buffer;
  #members: Undigested[] = [];
  buffer: Buffer;
  at = 0;

  /** Null: nobody wants what is written; it is only read. `memory` gives pieces of `chunkBytes`, whatever is in them. */
  constructor(send: ((chunk: Chunk) => void) | null, memory: () => Buffer = () => Buffer.allocUnsafeSlow(chunkBytes)) {
    this.#send = send;
    this.#memory = memory;
    this.buffer = memory();
  }

  /** Makes room for so many bytes in one piece. */
  reserve(bytes: number): void {
    if (chunkBytes - this.at < bytes) this.flush();
  }

  put(bytes: Buffer): void {
    for (let from = 0; from < bytes.length;) {
      if (this.at === chunkBytes) this.flush();
      const copied = bytes.copy(this.buffer, this.at, from);
      this.at += copied;
      from += copied;
    }
  }

  /** Leaves the digest of what has just been written to whoever gets the piece; false: nobody gets it. */
  leave(said: string, from: number, to: number): boolean {
    if (this.#send) this.#members.push([said, from, to]);
    return this.#send !== null;
  }

  flush(): void {
    if (this.at > 0 && this.#send) {
      const written = this.buffer.subarray(0, this.at);
      // What is handed over is gone as a whole: of a small piece, a copy goes.
      const small = this.at < chunkBytes / 2;
      this.#send({ bytes: small ? copyOf(written) : written, members: this.#members });
      this.#members = [];
      if (!small) this.buffer = this.#memory();
    }
    this.at = 0;
  }
}

function copyOf(bytes: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  return copy;
}
