import { sparkPath } from './spark-path.ts';

/** A line without axes: whether it grows, falls or jumps. What it shows is said in the label. */
export function Spark({ values, label }: { values: readonly number[]; label: string }) {
  const width = 132;
  const height = 34;
  const path = sparkPath(values, { width, height, margin: 3 });
  if (path === null) return null;
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={path.area} fill="var(--sign-cyan)" opacity={0.13} />
      <path
        d={path.line}
        fill="none"
        stroke="var(--sign-cyan)"
        strokeWidth={1.6}
        strokeLinejoin="round"
        strokeLinecap="round"
      />
      <circle cx={path.last.x} cy={path.last.y} r={2.4} fill="var(--sign-cyan)" />
    </svg>
  );
}
