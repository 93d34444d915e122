/** One entry of a tar. */
export interface Member {
  kind: MemberKind;
  /**
   * Relative to the tree, without a slash at the end; '' is the tree itself. Names of files are bytes, not text, and need not be UTF-8:
   * here every character is one byte (`latin1`).
   */
  path: string;
  mode: number;
  uid: number;
  gid: number;
  /** Of a file: how long it is, holes included. Of everything else 0. */
  size: number;
  /** Nanoseconds since 1970. */
  modified: bigint;
  /** Where a symbolic link leads, or the path of the first name of a file with several; otherwise ''. Bytes, as above. */
  target: string;
  /** What of a file is not holes, in order; null: everything. */
  regions: readonly Region[] | null;
}

export type MemberKind = 'file' | 'folder' | 'symlink' | 'link';

export interface Region {
  at: number;
  length: number;
}

/** How a member of our notation is called on the file system. */
export function toPath(bytes: string): string | Buffer {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1');
}

/** For people and for comparing with patterns: text again. */
export function toText(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8');
}

export function toBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1');
}

/** For one line of a message: control characters would break it. */
export function toLine(bytes: string): string {
  const text = toText(bytes);
  return /[\u0000-\u001F\u007F-\u009F\u2028\u2029\uFFFD"\\]/.test(text) ? JSON.stringify(text) : text;
}

export function isAscii(text: string): boolean {
  return /^[\u0000-\u007F]*$/.test(text);
}
