import { writeSync } from 'node:fs';
import { exitCode } from './exit-codes.ts';

/**
 * What nobody answers keeps no process alive: a program that waits for it ends by itself, with the status of one that has done
 * its work. Then it says so, and ends as a failure.
 */
export function mustSettle(work: Promise<void>): void {
  let settled = false;
  // One that failed stays unhandled: whoever looks after faults is told.
  void work.finally(() => {
    settled = true;
  });
  process.once('exit', () => {
    if (settled || process.exitCode) return;
    process.exitCode = exitCode('failed');
    writeSync(
      2,
      'error: the command ended before its work did (UNEXPECTED)\nhint: This is a fault of holdfast; please report it.\n',
    );
  });
}
