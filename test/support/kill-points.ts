import type { Installation } from './holdfast.ts';

/**
 * Starts the backup so many times and kills each a little later than the one before; returns how many died. How long a whole one takes
 * is looked at again whenever one ends before its turn: a machine that has less to do than when it was measured would be too quick for all.
 */
export async function killAtPoints(holdfast: Installation, kills: number): Promise<number> {
  let whole = Number.POSITIVE_INFINITY;
  let died = 0;
  for (let at = 0; at <= kills; at += 1) {
    const started = performance.now();
    const { child, ended } = holdfast.start({}, 'backup');
    const timer = at > 0 ? setTimeout(() => child.kill('SIGKILL'), (whole * at) / kills) : undefined;
    const { signal } = await ended;
    clearTimeout(timer);
    if (signal === 'SIGKILL') died += 1;
    else whole = Math.min(whole, performance.now() - started);
  }
  return died;
}
