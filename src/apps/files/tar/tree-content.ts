import type { Member } from './member.ts';
import { TreeDigest } from './tree-digest.ts';

/** How many names a list of troubles has; the number beside it counts all. */
export const mostNames = 100;

export interface TreeContent {
  files: number;
  folders: number;
  /** Symbolic links, and further names of a file. */
  links: number;
  /** Of all files, holes included. */
  bytes: number;
  /** What they take on a disk, holes left out and each rounded up to a block. */
  diskBytes: number;
  /** See `TreeDigest`. */
  digest: string;
}

const diskBlock = 4096;

/** Counts members and digests what is in them. */
export class ContentTally {
  readonly digest = new TreeDigest();
  files = 0;
  folders = 0;
  links = 0;
  bytes = 0;
  diskBytes = 0;

  count({ kind, size, regions }: Member): void {
    if (kind === 'file') this.files += 1;
    else if (kind === 'folder') this.folders += 1;
    else this.links += 1;
    this.bytes += size;
    const stored = regions ? regions.reduce((sum, { length }) => sum + length, 0) : size;
    this.diskBytes += Math.max(1, Math.ceil(stored / diskBlock)) * diskBlock;
  }

  /** What another one counted. */
  merge({ digest, ...counts }: TreeContent): void {
    for (const what of ['files', 'folders', 'links', 'bytes', 'diskBytes'] as const) this[what] += counts[what];
    this.digest.merge(digest);
  }

  get entries(): number {
    return this.files + this.folders + this.links;
  }

  facts(): TreeContent {
    const { files, folders, links, bytes, diskBytes } = this;
    return { files, folders, links, bytes, diskBytes, digest: this.digest.hex() };
  }
}

/** What two trees differ in, a line each; the digest is only worth a word when all numbers are equal. */
export function differencesOf(expected: TreeContent, found: TreeContent): string[] {
  const lines = (['files', 'folders', 'links', 'bytes'] as const)
    .filter((what) => expected[what] !== found[what])
    .map((what) => `${what}: ${expected[what]} expected, ${found[what]} found`);
  if (lines.length === 0 && expected.digest !== found.digest) {
    lines.push('contents, names or permissions: the digest is not that of the backup');
  }
  return lines;
}
