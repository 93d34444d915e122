import { pipeline, Readable } from 'node:stream';
import { createGunzip, createGzip } from 'node:zlib';
import { HoldfastError } from '../../base/errors.ts';

const pieceBytes = 64 * 1024;
/** No entry of ours is longer than what Node can make a text of. */
const longestLine = 512 * 1024 * 1024 - 32;

/** A JSON array with one entry a line, compressed; entries come in groups, which may be large. */
export function gzippedLines(groups: AsyncIterable<readonly unknown[]>): Readable {
  return pipeline(Readable.from(linesOf(groups), { objectMode: false }), createGzip({ level: 6 }), () => undefined);
}

async function* linesOf(groups: AsyncIterable<readonly unknown[]>): AsyncGenerator<Buffer> {
  let text = '[';
  let first = true;
  for await (const group of groups) {
    for (const entry of group) {
      text += `${first ? '' : ','}\n${oneLine(entry)}`;
      first = false;
      if (text.length < pieceBytes) continue;
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(`${text}\n]\n`);
}

/** Unicode has two more line separators, at which many readers of lines break off too. */
function oneLine(entry: unknown): string {
  return JSON.stringify(entry).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029');
}

/** The entries of such an array. Throws with kind `integrity` where it is none, or ends early. */
export async function* readLines(content: Readable, name: string): AsyncIterable<unknown> {
  const lines = pipeline(content, createGunzip(), () => undefined);
  let state: 'before' | 'inside' | 'after' = 'before';
  try {
    for await (const line of splitLines(lines)) {
      if (line === '') continue;
      if (state === 'after') throw broken(name, 'something follows its end');
      if (state === 'before') {
        if (line !== '[') throw broken(name, 'it does not begin as it should');
        state = 'inside';
      } else if (line === ']') state = 'after';
      else yield parsed(line.endsWith(',') ? line.slice(0, -1) : line, name);
    }
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    throw broken(name, 'it cannot be decompressed', error);
  }
  if (state !== 'after') throw broken(name, 'its end is missing');
}

export async function readJson(content: Readable, name: string): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of content as AsyncIterable<Buffer>) chunks.push(chunk);
  return parsed(Buffer.concat(chunks).toString('utf8'), name);
}

async function* splitLines(content: Readable): AsyncGenerator<string> {
  let rest: Buffer[] = [];
  let size = 0;
  for await (const chunk of content as AsyncIterable<Buffer>) {
    let from = 0;
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
      rest.push(chunk.subarray(from, at));
      yield (rest.length === 1 ? (rest[0] ?? chunk) : Buffer.concat(rest)).toString('utf8');
      rest = [];
      size = 0;
      from = at + 1;
    }
    rest.push(chunk.subarray(from));
    size += chunk.length - from;
    if (size > longestLine) throw new Error('a line is too long');
  }
  yield Buffer.concat(rest).toString('utf8');
}

function parsed(text: string, name: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw broken(name, 'it holds something that is no JSON', error);
  }
}

export function broken(name: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('NOCODB_TREE_BROKEN', `${name} cannot be read: ${why}`, {
    kind: 'integrity',
    ...(cause === undefined ? {} : { cause }),
    hint: 'Use another backup, or a copy of this one in another storage.',
  });
}
