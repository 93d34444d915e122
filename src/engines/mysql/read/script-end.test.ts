import { expect, test } from 'vitest';
import { letGo, markPassing } from '../../../base/reuse.ts';
import { watchEnd } from './script-end.ts';

const words = '\n-- Dump completed on 2026-11-20  5:15:00\n';

/** In memory of its own, which ends where it does. */
function passing(text: string): Buffer {
  const chunk = Buffer.allocUnsafeSlow(text.length);
  chunk.write(text);
  markPassing(chunk);
  return chunk;
}

test.each([
  ['one long piece', ['x'.repeat(100_000) + words]],
  ['pieces of which the last is short', ['x'.repeat(100_000) + words.slice(0, 20), words.slice(20)]],
  ['pieces of which all are short', `${'x'.repeat(100)}${words}`.split('')],
])('the last words are known when what they came in is gone: %s', (_name, pieces) => {
  const end = watchEnd();
  for (const text of pieces) {
    const chunk = passing(text);
    end.add(chunk);
    letGo(chunk);
    expect(chunk.length).toBe(0);
  }
  end.check();
  end.add(passing('insert'));
  expect(() => end.check()).toThrow('does not end as');
});
