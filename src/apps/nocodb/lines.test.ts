import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { gzippedLines, readLines } from './lines.ts';

async function written(groups: unknown[][]): Promise<Buffer> {
  const all = async function* all() {
    yield* groups;
  };
  return buffer(gzippedLines(all()));
}

async function readBack(content: Buffer): Promise<unknown[]> {
  const entries: unknown[] = [];
  for await (const entry of readLines(Readable.from([content]), 'x.json.gz')) entries.push(entry);
  return entries;
}

test('what is written is one JSON array, an entry a line, and comes back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.array(fc.jsonValue())), async (groups) => {
      const entries = JSON.parse(JSON.stringify(groups.flat())) as unknown[];
      const content = await written(groups);
      expect(JSON.parse(gunzipSync(content).toString())).toEqual(entries);
      expect(
        gunzipSync(content)
          .toString()
          .split(/[\n\u2028\u2029]/),
      ).toHaveLength(entries.length + 3);
      expect(await readBack(content)).toEqual(entries);
    }),
    { numRuns: 50 },
  );
});

test.each([
  ['nothing', ''],
  ['no end', '[\n{"a":1},'],
  ['no beginning', '{"a":1}\n]\n'],
  ['half an entry', '[\n{"a":\n]\n'],
  ['more behind the end', '[\n1\n]\n[\n2\n]\n'],
])('S5: %s is not whole', async (_, text) => {
  await expect(readBack(gzipSync(text))).rejects.toMatchObject({ code: 'NOCODB_TREE_BROKEN', kind: 'integrity' });
});

test('S5: compressed bytes that are cut are not whole', async () => {
  const content = await written([[1, 2, 3]]);
  await expect(readBack(content.subarray(0, -9))).rejects.toMatchObject({ kind: 'integrity' });
});

test('an error of what is written is the error of the stream', async () => {
  const failing = async function* failing(): AsyncGenerator<unknown[]> {
    yield [1];
    throw new Error('page 2');
  };
  await expect(buffer(gzippedLines(failing()))).rejects.toThrow('page 2');
});
