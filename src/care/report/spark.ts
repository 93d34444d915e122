const blocks = '▁▂▃▄▅▆▇█';

/** A line of block characters, of the last so many values. Beginning at nothing, so that heights can be compared. */
export function sparkText(values: readonly number[], width = 30): string {
  const shown = values.slice(-width);
  const most = Math.max(0, ...shown);
  return shown
    .map((value) => blocks[most === 0 ? 0 : Math.min(blocks.length - 1, Math.floor((value / most) * blocks.length))])
    .join('');
}

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Where each value lies in a picture of this size: the oldest left, nothing at the bottom, the biggest just below the top. */
export function sparkPoints(values: readonly number[], { width, height }: { width: number; height: number }): Point[] {
  const most = Math.max(0, ...values);
  const step = values.length > 1 ? width / (values.length - 1) : 0;
  return values.map((value, at) => ({
    x: round(values.length > 1 ? at * step : width),
    y: round(most === 0 ? height : height - (value / most) * height),
  }));
}

/** The path of a line through the points. */
export function sparkPath(points: readonly Point[]): string {
  return points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('');
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
