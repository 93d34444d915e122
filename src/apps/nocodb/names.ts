const longestBytes = 100;

/** What a path may not hold on some system, and what would change how a line is shown. */
const unsafe = /[/\\:<>"|?*\p{Cc}\p{Cf}\p{Cs}\p{Co}\u2028\u2029]/gu;
/** Names of devices on Windows, with any extension. */
const device = /^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i;

/** A name for a folder or file that is safe everywhere, as near to the title as can be. Two titles may become one: see `uniqueNames`. */
export function safeName(title: string, most = longestBytes): string {
  const clean = title
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(unsafe, '_')
    .replaceAll(/\s+/gu, ' ')
    .replace(/^[ .]+/, '_')
    .replace(/[ .]+$/, '');
  const named = device.test(clean) ? `_${clean}` : clean;
  return cut(named, most) || '_';
}

/** Gives each title a name of its own, also where upper and lower case are one: `Orders`, `orders-2`. */
export function uniqueNames(most = longestBytes): (title: string) => string {
  const taken = new Set<string>();
  return (title) => {
    const name = safeName(title, most);
    for (let ordinal = 1; ; ordinal += 1) {
      const suffix = ordinal === 1 ? '' : `-${ordinal}`;
      const candidate = `${cut(name, most - suffix.length)}${suffix}`;
      const key = candidate.toLowerCase().normalize('NFKD');
      if (taken.has(key)) continue;
      taken.add(key);
      return candidate;
    }
  };
}

/** The same for a file, whose extension stays. */
export function safeFileName(title: string, most = longestBytes): string {
  const name = safeName(title, Number.POSITIVE_INFINITY);
  const extension = /\.[A-Za-z0-9]{1,10}$/.exec(name)?.[0] ?? '';
  const stem = name.slice(0, name.length - extension.length);
  return `${cut(stem, most - extension.length) || '_'}${extension}`;
}

/** At the last whole character that fits. */
function cut(name: string, most: number): string {
  if (Buffer.byteLength(name) <= most) return name;
  let bytes = 0;
  let kept = '';
  for (const character of name) {
    bytes += Buffer.byteLength(character);
    if (bytes > most) break;
    kept += character;
  }
  return kept.replace(/[ .]+$/, '');
}
