import { createHash } from 'node:crypto';
import { clockToleranceMs } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { patiently } from '../../catalog/patiently.ts';
import type { Call } from '../register.ts';
import type { Begun } from '../work.ts';
import type { ApiParts } from './parts.ts';

const keptMs = 24 * 3_600_000;

/** With an `Idempotency-Key`, sending the same again gives the run that was begun the first time. */
export async function repeatable(
  { house, work, repeating }: ApiParts,
  { request, principal }: Call,
  asked: unknown,
  begin: () => Promise<Begun>,
): Promise<Begun> {
  const key = request.headers['idempotency-key'];
  if (typeof key !== 'string') return begin();
  if (!/^[\x21-\x7E]{1,200}$/.test(key)) {
    throw new HoldfastError('REQUEST_INVALID', 'the Idempotency-Key has spaces, or more than 200 characters', {
      kind: 'usage',
      hint: 'A random one is best, such as a UUID.',
    });
  }
  const { catalog, clock } = house;
  const name = digest(JSON.stringify([principal?.kind, principal?.name, key]));
  const content = digest(JSON.stringify(asked));
  // One after the other, so that two at the same time do not both find that there was none.
  const before = repeating.get(name);
  const turn = (async (): Promise<Begun> => {
    await before?.catch(() => undefined);
    const now = clock.now();
    const around = (ms: number) => new Date(now.getTime() + ms).toISOString();
    const recently = { since: around(-keptMs), until: around(clockToleranceMs) };
    const known = await patiently(catalog, () => catalog.repeats.get(name, recently));
    if (!known) {
      const started = await begin();
      const record = { key: name, content, run: started.run, at: now.toISOString() };
      await patiently(catalog, () => catalog.repeats.put(record));
      return started;
    }
    if (known.content !== content) throw keyReused();
    return { run: known.run, ended: work.endOf(known.run) };
  })();
  repeating.set(name, turn);
  try {
    return await turn;
  } finally {
    if (repeating.get(name) === turn) repeating.delete(name);
  }
}

function keyReused(): HoldfastError {
  return new HoldfastError('KEY_REUSED', 'this Idempotency-Key was used for something else', {
    kind: 'usage',
    hint: 'Use a new key for each new wish, and the same one only to repeat it.',
  });
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
