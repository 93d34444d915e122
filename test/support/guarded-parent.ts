import { startProcess } from '../../src/base/run-process.ts';

/** Started by a test and killed with -9: prints the numbers of a child and of the child's own worker, then waits. */
const { signal } = new AbortController();
startProcess({ program: '/bin/sh', args: ['-c', 'true'] }, { signal });
const child = startProcess({ program: '/bin/sh', args: ['-c', 'sleep 300 & echo $$ $!; wait'] }, { signal });
child.stdout?.pipe(process.stdout);
await child.done;
