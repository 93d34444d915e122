import type { ChildProcess } from 'node:child_process';

/** Waits for a condition instead of for a time; fails with what was waited for. */
export async function until(
  condition: () => Promise<boolean> | boolean,
  what: string,
  limitMs = 60_000,
): Promise<void> {
  const deadline = performance.now() + limitMs;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Started {
  child: ChildProcess;
  ended: Promise<unknown>;
}

/**
 * Starts a program and returns while a passing moment of it lasts, which a test wants to interrupt. A machine with other work may
 * look up only when it is over: then it is started again.
 */
export async function caught<T extends Started>(
  start: () => Promise<T> | T,
  moment: () => Promise<boolean>,
  what: string,
): Promise<T> {
  for (let attempt = 1; attempt <= 5; attempt += 1) {
    const started = await start();
    let over = false;
    void started.ended.finally(() => (over = true));
    let seen = false;
    await until(async () => over || (seen = await moment()), what);
    if (seen && !over) return started;
    await started.ended;
  }
  throw new Error(`five times it was over before it was seen: ${what}`);
}
