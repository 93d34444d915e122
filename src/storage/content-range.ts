import { HoldfastError } from '../base/errors.ts';

/**
 * Whether a part of a file that came (`Content-Range`) is the one that was asked for, both ends included and cut at the end of the file.
 * HTTP lets a server give less, and caches on the way give what they have.
 */
export function isRangeAskedFor(said: string | undefined, asked: { start: number; end?: number | undefined }): boolean {
  const [, from, until, total] = /^bytes (\d+)-(\d+)\/(\d+|\*)$/i.exec(said ?? '') ?? [];
  if (from === undefined || Number(from) !== asked.start) return false;
  const last = total === '*' ? (asked.end ?? Number(until)) : Math.min(asked.end ?? Infinity, Number(total) - 1);
  return Number(until) === last;
}

/** How many bytes a range has that was found to be the right one. */
export function bytesOfRange(said: string): number {
  const [, from = '0', until = '-1'] = /(\d+)-(\d+)/.exec(said) ?? [];
  return Number(until) - Number(from) + 1;
}

export function otherRange(key: string, title: string, said: string | undefined): HoldfastError {
  return new HoldfastError('STORAGE_FAULT', `${title} gave another part of ${key} than was asked for`, {
    cause: new Error(`Content-Range: ${said ?? 'none'}`),
    hint: 'Something on the way, such as a proxy that keeps answers, gives what it has in the place of the server.',
  });
}
