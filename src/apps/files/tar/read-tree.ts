import { throwIfAborted } from '../../../base/abort.ts';
import { HoldfastError } from '../../../base/errors.ts';
import { letGo } from '../../../base/reuse.ts';
import { TarReader } from './reader.ts';
import { TreeCheck } from './tree-check.ts';
import { differencesOf, type TreeContent } from './tree-content.ts';

/** Reads a tar to its end, writes nothing, and says what is in it; rejects with kind `integrity` when it is not what is expected. */
export async function readTree(
  content: AsyncIterable<Uint8Array>,
  expected: (TreeContent & { name: string }) | null,
  signal: AbortSignal,
): Promise<TreeContent> {
  const check = new TreeCheck();
  const reader = new TarReader(check);
  for await (const chunk of content) {
    throwIfAborted(signal);
    reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
    letGo(chunk);
  }
  reader.finish();
  const found = check.tally.facts();
  const differences = expected === null ? [] : differencesOf(expected, found);
  if (expected === null || differences.length === 0) return found;
  throw new HoldfastError(
    'TREE_DIFFERS',
    `the tar of ${expected.name} is not what was saved: ${differences.join('; ')}`,
    {
      kind: 'integrity',
      hint: 'Use another copy or another backup.',
    },
  );
}
