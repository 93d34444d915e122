import type { ErrorKind } from '../../../base/errors.ts';
import type { Undigested } from './chunks.ts';
import type { PackReport, PackSettings } from './tree-packer.ts';
import type { UnpackSettings } from './tree-unpacker.ts';
import type { LookSettings, TreeLook } from './tree-look.ts';

/** What the thread is started for. */
export type Job =
  /** `taken`: how many pieces the reader has taken, shared between both. */
  | { kind: 'pack'; settings: PackSettings; taken: Int32Array }
  /** As several tars. `before`: how long a part was the last time. */
  | { kind: 'cut'; settings: PackSettings; before: number | null; taken: Int32Array; asked: Int32Array }
  | { kind: 'measure'; settings: PackSettings }
  | { kind: 'look'; settings: LookSettings }
  | { kind: 'remove'; path: string }
  | { kind: 'unpack'; settings: UnpackSettings };

export interface JobResults {
  pack: PackReport;
  cut: CutReport;
  measure: PackReport;
  look: TreeLook;
  remove: null;
  unpack: { ownersLost: boolean };
}

export type ToThread =
  | { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'end' }
  /** Of a piece that was consumed, to be filled again. */
  | { kind: 'memory'; memory: ArrayBuffer };

export type FromThread =
  | SentChunk
  /** One tar of a tree that is cut. */
  | { kind: 'group'; chunks: SentChunk[] }
  /** One that is read when it is asked for. */
  | { kind: 'alone'; rawBytes: number | null }
  /** The end of such a one. */
  | { kind: 'end'; sha256: string | null }
  /** One piece was written; its memory can be filled again. */
  | { kind: 'taken'; memory: ArrayBuffer }
  | { kind: 'done'; result: JobResults[Job['kind']] }
  | { kind: 'failed'; failure: ThreadFailure };

export interface SentChunk {
  kind: 'chunk';
  bytes: Uint8Array<ArrayBuffer>;
  members: Undigested[];
}

/** Null: the tree is so small that it is better packed as one tar; nothing was sent. */
export type CutReport = (PackReport & { cut: number }) | null;

/** In `asked`, what the reader wants of a tar that is read when it is asked for. */
export const passes = { nothing: 0, digest: 1, send: 2, next: 3 } as const;

export interface ThreadFailure {
  code: string;
  message: string;
  kind: ErrorKind;
  hint: string | undefined;
  /** Of the operating system. */
  errno: string | undefined;
}
