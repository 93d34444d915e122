/** Distances between lines that people read easily, up to a thousand of one unit. */
const steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const most = 4;

/** Of duration, from nothing to above the longest; no two are told in the same words. */
export function ticksOf(values: readonly number[], step: (highest: number) => number): number[] {
  const highest = Math.max(0, ...values);
  const distance = step(highest);
  return Array.from({ length: Math.max(1, Math.ceil(highest / distance)) + 1 }, (_, at) => at * distance);
}

export function secondsStep(highest: number): number {
  return steps.find((each) => each * most >= highest) ?? Math.ceil(highest / most / 3600) * 3600;
}

/** In the unit that the highest is told in: powers of 1024. */
export function bytesStep(highest: number): number {
  let unit = 1;
  while (Math.round(highest / unit) >= 1000) unit *= 1024;
  const inUnits = highest / unit / most;
  const digit = 10 ** Math.floor(Math.log10(Math.max(inUnits, 0.01)));
  const nice = [1, 2, 5, 10].map((each) => each * digit).find((each) => each >= inUnits) ?? inUnits;
  return Math.max(unit === 1 ? 1 : 0, nice) * unit;
}

/** The last of those that are told in the same words, such as several of one minute: the end of an axis is always told. */
export function lastOfEach(values: readonly string[], tell: (value: string) => string): string[] {
  const told = values.map(tell);
  return values.filter((_, at) => told.lastIndexOf(told[at] ?? '') === at);
}
