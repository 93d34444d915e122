/** One line of `SHOW GRANTS`, as far as it says what may be done where. */
export interface Grant {
  /** Upper case; columns of `SELECT (a, b)` make it no right to the table. */
  privileges: ReadonlySet<string>;
  /** As it stands there: `*`, or a name in which `%` and `_` match unless a backslash stands before them. */
  database: string;
  /** `*`, or the one object it is about. */
  object: string;
}

export function parseGrants(lines: readonly string[]): Grant[] {
  return lines.flatMap((line) => {
    const match =
      /^GRANT (.+?) ON (?:(?:TABLE|FUNCTION|PROCEDURE|PACKAGE) )?(\*|`(?:[^`]|``)*`|"(?:[^"]|"")*")\.(\*|`(?:[^`]|``)*`|"(?:[^"]|"")*") TO /s.exec(
        line,
      );
    if (!match) return [];
    const [, privileges = '', database = '', object = ''] = match;
    const whole = privileges.replaceAll(/, [^,(]+\([^)]*\)|^[^,(]+\([^)]*\)(, )?/g, '');
    return [
      {
        privileges: new Set(whole.split(/,\s*/).map((each) => each.trim().toUpperCase())),
        database: unquoted(database),
        object: unquoted(object),
      },
    ];
  });
}

/** Whether all objects of the database are covered: by a right to everything, or to the whole database. */
export function mayInAll(grants: readonly Grant[], privilege: string, database: string): boolean {
  return grants.some((grant) => {
    if (grant.object !== '*' || !holds(grant, privilege)) return false;
    return grant.database === '*' || likePattern(grant.database).test(database);
  });
}

export function mayGlobally(grants: readonly Grant[], privilege: string): boolean {
  return grants.some((grant) => grant.object === '*' && grant.database === '*' && holds(grant, privilege));
}

/** Rights that `ALL PRIVILEGES` on everything does not cover, since they came later or are asked for by name. */
function holds({ privileges }: Grant, privilege: string): boolean {
  return privileges.has(privilege) || privileges.has('ALL PRIVILEGES') || privileges.has('ALL');
}

function likePattern(text: string): RegExp {
  let source = '';
  for (const [part] of text.matchAll(/\\[\s\S]|[\s\S]/g)) {
    if (part === '%') source += '.*';
    else if (part === '_') source += '.';
    else source += RegExp.escape(part.length > 1 ? part.slice(1) : part);
  }
  return new RegExp(`^${source}$`, 'su');
}

function unquoted(name: string): string {
  if (name === '*') return name;
  const quote = name.charAt(0);
  return name.slice(1, -1).replaceAll(quote + quote, quote);
}
