import { Readable } from 'node:stream';
import type { Saved } from '../app.ts';
import { damaged } from './tar/errors.ts';
import { block } from './tar/head.ts';
import type { TreeFacts } from './tree-facts.ts';

const endBytes = 2 * block;

/** The names of the tars of a tree, in the order they are unpacked. */
export function tarNames({ name, parts }: Pick<TreeFacts, 'name' | 'parts'>): string[] {
  return parts === undefined ? [`files/${name}.tar`] : Array.from({ length: parts }, (_, at) => partName(name, at + 1));
}

/** They sort as they are numbered. */
export function partName(tree: string, number: number): string {
  return `files/${tree}/${String(number).padStart(8, '0')}.tar`;
}

/** A tree as one tar, whether it was cut or not. */
export async function openTree(saved: Saved, tree: TreeFacts, signal: AbortSignal): Promise<Readable> {
  const [first = '', ...rest] = tarNames(tree);
  if (tree.parts === undefined) return saved.open(first, signal);
  return Readable.from(joined(saved, [first, ...rest], signal), { objectMode: false });
}

/** What the archive gives for a tree, uncompressed; null where it was not counted. */
export function rawBytesOf(saved: Saved, tree: TreeFacts): number | null {
  const names = new Set(tarNames(tree));
  const parts = saved.parts.filter(({ name }) => names.has(name));
  return parts.length === 0 || parts.some(({ rawBytes }) => rawBytes === null)
    ? null
    : parts.reduce((sum, { rawBytes }) => sum + (rawBytes ?? 0), 0);
}

/** Each tar without its end, and one end in the end. */
async function* joined(saved: Saved, names: readonly string[], signal: AbortSignal): AsyncGenerator<Buffer> {
  let bytes = 0;
  for (const name of names) {
    let end = Buffer.alloc(0);
    for await (const chunk of (await saved.open(name, signal)) as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (chunk.length < endBytes) {
        const both = Buffer.concat([end, chunk]);
        end = both.subarray(Math.max(0, both.length - endBytes));
        if (both.length > endBytes) yield both.subarray(0, both.length - endBytes);
        continue;
      }
      if (end.length > 0) yield end;
      end = Buffer.from(chunk.subarray(chunk.length - endBytes));
      if (chunk.length > endBytes) yield chunk.subarray(0, chunk.length - endBytes);
    }
    if (end.length < endBytes || end.some((byte) => byte !== 0)) throw damaged(`${name} has no end`, bytes);
  }
  yield Buffer.alloc(endBytes);
}
