import { readSync, type BigIntStats } from 'node:fs';
import type { Region } from './member.ts';
import { isZero, zeroBlock } from './tree-digest.ts';

/** Fewer holes than this are not worth reading a file twice. */
const leastHoles = 1024 * 1024;
/** A map with more would have to be held in memory; the zeros of such a file compress well, too. */
const mostRegions = 10_000;
const diskBlock = 512n;

/**
 * What of a file is not zeros, when it takes less room on the disk than it is long; null: it is read as it is. Node has no call
 * that asks the system for the holes, so they are found by reading; on a file system that compresses that may be for nothing.
 */
export function findRegions(file: number, { size, blocks }: BigIntStats, scratch: Buffer): Region[] | null {
  if (size - blocks * diskBlock < BigInt(leastHoles)) return null;
  const regions: Region[] = [];
  let content = 0;
  for (let at = 0; at < Number(size);) {
    const read = readSync(file, scratch, 0, scratch.length - (scratch.length % zeroBlock), at);
    if (read === 0) break;
    for (let from = 0; from < read; from += zeroBlock) {
      const length = Math.min(zeroBlock, read - from);
      if (isZero(scratch, from, length)) continue;
      content += length;
      const last = regions.at(-1);
      if (last && last.at + last.length === at + from) last.length += length;
      else regions.push({ at: at + from, length });
      if (regions.length > mostRegions) return null;
    }
    at += read;
  }
  return Number(size) - content < leastHoles ? null : clipped(regions, Number(size));
}

/** It may have grown since it was measured: what came on top belongs to the next backup. */
function clipped(regions: readonly Region[], size: number): Region[] {
  return regions.filter(({ at }) => at < size).map(({ at, length }) => ({ at, length: Math.min(length, size - at) }));
}
