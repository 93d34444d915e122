/** What the server says about values, as far as the console has words of its own for it; the first that fits counts. */
const shapes = [
  [/^must be a whole number from (?<least>\d+) to (?<most>\d+)/, 'wholeNumber'],
  [/^must be a duration such as/, 'duration'],
  [/^must be a size per second such as/, 'rate'],
  [/^must be a size such as/, 'size'],
  [/^must be a time zone such as/, 'timezone'],
  [/^must be a cron pattern .*this date never happens/, 'neverHappens'],
  [/^must be a cron pattern/, 'cron'],
  [/^must be a recipient of age/, 'recipient'],
  [/^must be at least (?<least>[^,]+)/, 'atLeast'],
  [/^must be at most (?<most>[^,]+)/, 'atMost'],
  [/^must be (?:auto|off|never|none)\b/, 'asAbove'],
] as const;

type Wrong = (typeof shapes)[number][1];

/** Null: it is shown in the words of the server. The value itself need not be told, it stands beside. */
export function wrongValue(message: string): { word: Wrong; values: { least: string; most: string } } | null {
  for (const [shape, word] of shapes) {
    const found = shape.exec(message);
    if (found) return { word, values: { least: '', most: '', ...found.groups } };
  }
  return null;
}
