import { HoldfastError } from '../../../base/errors.ts';
import type { ToolVersion } from './tool-version.ts';

/**
 * The first releases whose pg_restore and psql cannot be made to run commands by what stands in a dump: CVE-2025-8714 and
 * CVE-2025-8715 (meta-commands in plain dumps and in names with newlines), CVE-2026-18408.
 */
const fixedIn: Readonly<Record<number, number>> = { 14: 24, 15: 19, 16: 15, 17: 11, 18: 6 };
const newestListed = 18;

export function isPatched({ major, minor }: Pick<ToolVersion, 'major' | 'minor'>): boolean {
  if (major > newestListed) return true;
  const first = fixedIn[major];
  return first !== undefined && minor >= first;
}

/** The first releases whose psql can be told to take no commands but SQL until it hears a word that nobody else knows. */
const restrictsSince: Readonly<Record<number, number>> = { 14: 19, 15: 14, 16: 10, 17: 6, 18: 0 };

export function canRestrict({ major, minor }: Pick<ToolVersion, 'major' | 'minor'>): boolean {
  if (major > newestListed) return true;
  const first = restrictsSince[major];
  return first !== undefined && minor >= first;
}

/** Before text that was not made here reaches psql. */
export function requirePatched(tools: ToolVersion, allowed: boolean): void {
  if (allowed || isPatched(tools)) return;
  const list = Object.entries(fixedIn)
    .map(([major, minor]) => `${major}.${minor}`)
    .join(', ');
  throw new HoldfastError(
    'TOOL_NOT_SAFE',
    `the client tools ${tools.version} can be made to run commands by a dump that was not made here`,
    {
      kind: 'refused',
      hint: `Update the PostgreSQL client tools (fixed in ${list}), or, when you trust where the dump comes from, add \`--allow unpatched\`.`,
      details: { version: tools.version },
    },
  );
}
