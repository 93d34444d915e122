interface Size {
  width: number;
  height: number;
  margin: number;
}

/** From zero up, so that a small change looks small; null where there is no line to draw. */
export function sparkPath(values: readonly number[], { width, height, margin }: Size) {
  if (values.length < 2) return null;
  const top = Math.max(...values, 1);
  const points = values.map((value, at) => ({
    x: round(margin + (at / (values.length - 1)) * (width - 2 * margin)),
    y: round(height - margin - (Math.max(0, value) / top) * (height - 2 * margin)),
  }));
  const line = points.map(({ x, y }, at) => `${at === 0 ? 'M' : 'L'}${x} ${y}`).join('');
  const last = points.at(-1) ?? { x: 0, y: 0 };
  return { line, area: `${line}L${last.x} ${height}L${margin} ${height}Z`, last };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
