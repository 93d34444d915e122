/** Of `2.2.15-beta.3` the three numbers: like NocoBase itself, whose pre-releases count as their release. Null: not a version. */
export function numbersOf(version: string): [number, number, number] | null {
  const found = /^v?(\d+)\.(\d+)\.(\d+)/.exec(version.trim());
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : null;
}

/** Negative: the first is older. Null: one of them is not a version. */
export function compareVersions(left: string, right: string): number | null {
  const [a, b] = [numbersOf(left), numbersOf(right)];
  if (a === null || b === null) return null;
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/**
 * The part of a server's version that a dump depends on, as a number: of `PostgreSQL 15.18 (Debian ...)` 15, of MySQL and MariaDB two
 * places. Compared as text, 9 would stand above 16. Null: nothing to compare, as with files of SQLite.
 */
export function serverNumber(dialect: string, version: string): number | null {
  if (dialect === 'sqlite') return null;
  // MariaDB puts this before its own version, for clients that know nothing above 5.
  const found = /(\d+)(?:\.(\d+))?/.exec(version.replace(/^5\.5\.5-/, ''));
  if (!found) return null;
  const [major, minor] = [Number(found[1]), Number(found[2] ?? 0)];
  return dialect === 'postgres' && major >= 10 ? major * 1000 : major * 1000 + minor;
}
