import type { ErrorKind } from '../../base/errors.ts';
import type { Undigested } from './chunks.ts';
import type { PackReport, PackSettings } from './tree-packer.ts';
import type { UnpackSettings } from './tree-unpacker.ts';
import type { LookSettings, TreeLook } from './tree-look.ts';

/** What the thread is started for. */
export type Job =
  /** `taken`: how many pieces the reader has taken, shared between both. */
  | { kind: 'pack'; settings: PackSettings; taken: Int32Array }
  | { kind: 'measure'; settings: PackSettings }
  | { kind: 'look'; settings: LookSettings }
  | { kind: 'remove'; path: string }
  | { kind: 'unpack'; settings: UnpackSettings };

export interface JobResults {
  pack: PackReport;
  measure: PackReport;
  look: TreeLook;
  remove: null;
  unpack: { ownersLost: boolean };
}

export type ToThread = { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer> } | { kind: 'end' };

export type FromThread =
  | { kind: 'chunk'; bytes: Uint8Array<ArrayBuffer>; members: Undigested[] }
  /** One piece was written. */
  | { kind: 'taken' }
  | { kind: 'done'; result: JobResults[Job['kind']] }
  | { kind: 'failed'; failure: ThreadFailure };

export interface ThreadFailure {
  code: string;
  message: string;
  kind: ErrorKind;
  hint: string | undefined;
  /** Of the operating system. */
  errno: string | undefined;
}
