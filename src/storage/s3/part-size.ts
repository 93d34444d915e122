import { mebibyte } from './options.ts';

export interface PartPlan {
  maxParts: number;
  /** What the configuration asks for. */
  partSize?: number | undefined;
  /** The exact size, or about how much there will be. */
  size?: number | undefined;
  expected?: number | undefined;
}

export const usualPart = 8 * mebibyte;
const biggestPart = 5 * 1024 * mebibyte;

/**
 * The size of the next part. With a size or an expectation, parts fit it from the start; whatever comes beyond makes them grow with
 * what was sent already, slowly enough for small memory and fast enough that the parts never run out before the 5 TiB an object may have.
 */
export function nextPartSize({ maxParts, partSize, size, expected }: PartPlan, sent: number): number {
  const smallest = partSize ?? usualPart;
  if (size !== undefined && sent < size) return fit(Math.max(smallest, size / maxParts));
  const promised = size ?? expected ?? 0;
  // Half of the parts for what was expected; the other half for what was not.
  const base = Math.max(smallest, (2 * promised) / maxParts);
  if (sent < promised) return fit(base);
  return fit(Math.max(base, sent / (maxParts / (promised > 0 ? 20 : 10))));
}

function fit(bytes: number): number {
  return Math.min(biggestPart, Math.ceil(bytes / mebibyte) * mebibyte);
}
