import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { metrics, type Metric } from './names.ts';

const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');

test('every metric stands in the manual with its labels, and every metric in the manual exists', () => {
  const told = [...page.matchAll(/^\| `((?:holdfast|process|nodejs)_\w+)` \| ([^|]*) \|/gm)].map(
    ([, name, labels = '']) => ({
      name,
      labels: [...labels.matchAll(/`(\w+)`/g)].map(([, label]) => label),
    }),
  );
  const known = Object.entries<Metric>(metrics).map(([name, { labels }]) => ({ name, labels }));
  expect(told).toEqual(known);
});

test('names that the examples of the manual use exist', () => {
  const used = [...page.matchAll(/\b(holdfast_[a-z_]+)\b/g)].map(([, name]) => name);
  expect(used.filter((name) => name !== undefined && !(name in metrics))).toEqual([]);
});

test('counters end in _total, and times and sizes say their unit', () => {
  for (const [name, { kind }] of Object.entries<Metric>(metrics)) {
    expect(name.endsWith('_total'), name).toBe(kind === 'counter');
    expect(name).toMatch(/^[a-z]+(_[a-z]+)*$/);
  }
});
