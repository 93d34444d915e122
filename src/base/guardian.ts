import { spawn, type ChildProcess } from 'node:child_process';
import type { Socket } from 'node:net';

/**
 * Ends our children when we are killed without a chance to do it ourselves (`kill -9`, out of memory). One small shell waits at the other
 * end of a pipe: it is told which process groups run, and when the pipe closes without them having been taken
 * back, it ends them. Without it, a dump tool in directory format would go on writing for hours.
 * `kill -s TERM`, because dash takes the `--` after `kill -TERM` for a process number.
 */
const script = `
live=
while read -r sign group; do
  case $sign in
    +) live="$live $group" ;;
    -) rest=; for each in $live; do [ "$each" = "$group" ] || rest="$rest $each"; done; live=$rest ;;
  esac
done
[ -n "$live" ] || exit 0
for each in $live; do kill -s TERM -- "-$each" 2>/dev/null; done
sleep 2
for each in $live; do kill -s KILL -- "-$each" 2>/dev/null; done
`;

let guardian: ChildProcess | undefined;

/** Watches over the process group of `pid` until the returned function is called. */
export function guard(pid: number): () => void {
  tell(`+ ${pid}\n`);
  return () => tell(`- ${pid}\n`);
}

function tell(line: string): void {
  if (!guardian || guardian.exitCode !== null || guardian.signalCode !== null) guardian = start();
  guardian.stdin?.write(line);
}

function start(): ChildProcess {
  const child = spawn('/bin/sh', ['-c', script], {
    detached: true,
    cwd: '/',
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => undefined); // no /bin/sh: only the protection against kill -9 is lost
  child.stdin?.on('error', () => undefined);
  // It must not keep us alive: it ends when we do.
  child.unref();
  (child.stdin as Socket | null)?.unref();
  return child;
}
