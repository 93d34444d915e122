import { expect, test } from 'vitest';
import { cutFor, Cuts } from './cuts.ts';

const cut = 128 * 1024;

/** The parts that files of these sizes are cut into, each as the list of its files. */
function partsOf(files: readonly [path: string, size: number][]): string[][] {
  const parts: string[][] = [];
  let part: string[] = [];
  const cuts = new Cuts(cut, {
    group: () => {
      parts.push(part);
      part = [];
    },
    ask: () => null,
    chunk: () => undefined,
    end: () => undefined,
  });
  for (const [path, size] of files) {
    cuts.before(path, size);
    part.push(path);
    cuts.after();
  }
  cuts.flush();
  return parts;
}

const files = Array.from({ length: 3000 }, (_, at): [string, number] => [
  `${String(at % 30).padStart(2, '0')}/${at}`,
  500 + ((at * 7919) % 9000),
]).toSorted(([a], [b]) => (a < b ? -1 : 1));

test('a file more, a file less or a file of another size changes the parts around it and no other', () => {
  const before = new Set(partsOf(files).map((part) => part.join('\n')));
  expect(before.size).toBeGreaterThan(80);
  const changes: [string, number][][] = [
    files.toSpliced(1500, 1),
    files.toSpliced(700, 0, [`${files[700]?.[0] ?? ''}a`, 3000]),
    files.with(2000, [files[2000]?.[0] ?? '', 60_000]),
  ];
  for (const changed of changes) {
    const after = partsOf(changed).map((part) => part.join('\n'));
    // One of another size has the same name: what is in a part is not only its names, so one more may differ.
    expect(after.filter((part) => !before.has(part)).length).toBeLessThanOrEqual(4);
    expect(after.join('\n').split('\n')).toEqual(changed.map(([path]) => path));
  }
});

test('no part grows beyond the length of a cut and one file', () => {
  const sizes = new Map(files);
  for (const part of partsOf(files)) {
    const bytes = part.reduce((sum, path) => sum + (sizes.get(path) ?? 0), 0);
    expect(bytes).toBeLessThan(2 * cut);
  }
});

test.each([
  ['a small tree', 5_000_000, null, 128 * 1024],
  ['a large tree', 2 ** 40, null, 8 * 1024 * 1024],
  ['one that grew to twice its size keeps its cuts', 400 * 1024 * 1024, 2 * 1024 * 1024, 2 * 1024 * 1024],
  ['one that grew beyond measure gets others', 2 ** 40, 128 * 1024, 8 * 1024 * 1024],
  ['what a manifest says is not taken on trust', 5_000_000, 1, 128 * 1024],
])('%s', (_title, bytes, before, expected) => {
  expect(cutFor(bytes, before)).toBe(expected);
});
