import { availableParallelism } from 'node:os';
import { Duplex } from 'node:stream';
import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib';
import { givingBack, marking } from './giving-back.ts';
import { giveBack } from './reuse.ts';

export interface FrameOptions {
  /** Of the content of each frame but the last. */
  frameBytes?: number;
  /** How many frames are compressed at once. */
  lanes?: number;
}

/**
 * A frame knows nothing of the one before, and all of itself: its window is as large as it is. With a smaller one the library's buffer
 * wraps around within a frame, and from there on it looks for matches in two places, which takes a quarter more time at level 3.
 */
const windowLog = 22;
const usualFrameBytes = 2 ** windowLog;
/** The library's own choice for level 1 fills twice the nearest cache of a processor: it takes 5 % longer, and what it stores is at best 1 % smaller. */
const fastestHashLog = 13;
/**
 * More would be quicker than anything that produces a dump, and each holds a frame in memory. Two processors are kept busy by three: a frame waits
 * for its next piece now and then, and for the one before to be passed on.
 */
const lanesHere = availableParallelism() === 1 ? 1 : 3;
/** Above, windows are larger and each thread would need tens of megabytes; who asks for that wants small files, not quick ones. */
const highestInFrames = 4;
/** Few, large pieces: every piece is a round trip to a thread. */
const chunkSize = 1024 * 1024;
const bufferedBytes = 1024 * 1024;

interface Frame {
  lane: ZstdCompress;
  /** What came out of it while an earlier one was not done. */
  waiting: Buffer[];
  done: boolean;
}

/** The content is followed by a checksum of it, and can be read by every reader of the format. */
export function zstdStream(level: number, options: FrameOptions = {}): Duplex {
  return level <= highestInFrames ? zstdFrames(level, options) : givingBack(zstdLane(level));
}

/**
 * Zstandard on several threads: frame after frame, each a whole one with its own checksum, which together are a file as any other.
 * The library's own threads (`ZSTD_c_nbWorkers`) fail through Node's stream with a push after the end.
 *
 * Content is passed on by reference; of it or of what became of it, one frame for each lane is held at most.
 */
export function zstdFrames(level: number, options: FrameOptions = {}): Duplex {
  return new ZstdFrames(level, options);
}

function zstdLane(level: number, params: Record<number, number> = {}): ZstdCompress {
  const { ZSTD_c_compressionLevel, ZSTD_c_checksumFlag } = constants;
  const always = { [ZSTD_c_compressionLevel]: level, [ZSTD_c_checksumFlag]: 1 };
  return createZstdCompress({ chunkSize, params: { ...always, ...params } });
}

class ZstdFrames extends Duplex {
  readonly #level: number;
  readonly #frameBytes: number;
  readonly #mostLanes: number;
  readonly #lanes: ZstdCompress[] = [];
  /** Those whose frame is compressed. */
  readonly #free: ZstdCompress[] = [];
  /** In the order of the content, until they are passed on: nothing new begins while their readers are slow. */
  readonly #frames: Frame[] = [];
  /** The one that is being filled, and how far. */
  #open: Frame | null = null;
  #filled = 0;
  /** Goes on with the content when there is room for a frame. */
  #resume: (() => void) | null = null;
  #wanted = false;
  #over = false;

  constructor(level: number, { frameBytes = usualFrameBytes, lanes = lanesHere }: FrameOptions) {
    super({ highWaterMark: bufferedBytes });
    this.#level = level;
    this.#frameBytes = frameBytes;
    this.#mostLanes = lanes;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, next: () => void): void {
    this.#fill(chunk, next);
  }

  override _final(next: () => void): void {
    // Nothing at all is a frame, too: a file of no bytes would be a damaged one.
    if (this.#lanes.length === 0) this.#begin();
    this.#close();
    this.#over = true;
    this.#give();
    next();
  }

  override _read(): void {
    this.#wanted = true;
    this.#give();
  }

  override _destroy(error: Error | null, callback: (error?: Error | null) => void): void {
    for (const lane of this.#lanes) lane.destroy();
    this.#frames.length = 0;
    callback(error);
  }

  /** As much as there is room for, and the rest later. */
  #fill(content: Buffer, next: () => void): void {
    let rest = content;
    while (rest.length > 0) {
      const frame = this.#open ?? this.#begin();
      if (!frame) {
        const left = rest;
        this.#resume = () => this.#fill(left, next);
        return;
      }
      const some = rest.subarray(0, this.#frameBytes - this.#filled);
      frame.lane.write(some, (error) => {
        // After a failure the library may still be reading it.
        if (!error && !this.destroyed) giveBack(some);
      });
      this.#filled += some.length;
      rest = rest.subarray(some.length);
      if (this.#filled === this.#frameBytes) this.#close();
    }
    next();
  }

  #begin(): Frame | null {
    if (this.#frames.length === this.#mostLanes) return null;
    const frame = { lane: this.#free.pop() ?? this.#newLane(), waiting: [], done: false };
    this.#frames.push(frame);
    this.#filled = 0;
    this.#open = frame;
    return frame;
  }

  #newLane(): ZstdCompress {
    const { ZSTD_c_windowLog, ZSTD_c_hashLog } = constants;
    const table = this.#level === 1 ? { [ZSTD_c_hashLog]: fastestHashLog } : {};
    const lane = marking(zstdLane(this.#level, { [ZSTD_c_windowLog]: windowLog, ...table }));
    lane.on('error', (error) => this.destroy(error));
    lane.on('data', (piece: Buffer) => {
      this.#frames.find((frame) => frame.lane === lane && !frame.done)?.waiting.push(piece);
      this.#give();
    });
    this.#lanes.push(lane);
    return lane;
  }

  #close(): void {
    const frame = this.#open;
    this.#open = null;
    frame?.lane.flush(constants.ZSTD_e_end, (error?: Error | null) => {
      if (error || this.destroyed) return;
      // What its buffer still holds belongs to this frame, not to the next one of the lane.
      while (frame.lane.read() !== null);
      frame.done = true;
      this.#free.push(frame.lane);
      this.#give();
    });
  }

  /** Passes on what is next, as long as it is wanted. */
  #give(): void {
    while (this.#wanted) {
      const [first] = this.#frames;
      const piece = first?.waiting.shift();
      if (piece) this.#wanted = this.push(piece);
      else if (first?.done) this.#frames.shift();
      else break;
    }
    if (this.#frames.length < this.#mostLanes && this.#resume) {
      const resume = this.#resume;
      this.#resume = null;
      resume();
    }
    if (this.#over && this.#frames.length === 0) {
      this.#over = false;
      this.push(null);
    }
  }
}
