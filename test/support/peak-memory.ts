import { readFile } from 'node:fs/promises';
import { expect } from 'vitest';
import type { Installation } from './holdfast.ts';

/** The highest resident memory of the program's own process, as the system counted it. */
export async function peakOf(holdfast: Installation, ...args: string[]): Promise<number> {
  const { child, ended } = holdfast.start({}, ...args);
  let peak = 0;
  const timer = setInterval(() => {
    void readFile(`/proc/${child.pid}/status`, 'utf8')
      .then((status) => {
        const kilobytes = Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
        peak = Math.max(peak, kilobytes * 1024);
      })
      .catch(() => undefined); // it has just ended
  }, 20);
  const { status, stderr } = await ended;
  clearInterval(timer);
  expect(status, stderr).toBe(0);
  expect(peak).toBeGreaterThan(0);
  return peak;
}
