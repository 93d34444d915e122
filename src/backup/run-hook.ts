import { startProcess, type Command } from '../base/run-process.ts';
import { withoutSecrets } from '../base/secret.ts';

export interface HookOptions {
  signal: AbortSignal;
  /** Each line of both outputs, as far as they are worth keeping. */
  onLine: (line: string) => void;
}

const keptLines = 500;
const longestLine = 2000;

/** Runs a command to its end and hands on what it prints. It reads nothing: a hook that asks a question gets no answer. */
export async function runHook(command: Command, { signal, onLine }: HookOptions): Promise<void> {
  const keep = bounded(onLine);
  const child = startProcess(command, { signal, onStderr: keep });
  const rest = byLines(child.stdout, (line) => keep(withoutSecrets(line)));
  try {
    await child.done;
  } finally {
    rest();
  }
}

/** A command that never stops talking must not fill the state folder. */
function bounded(onLine: (line: string) => void): (line: string) => void {
  let lines = 0;
  return (line) => {
    lines += 1;
    if (lines <= keptLines) onLine(line.length > longestLine ? `${line.slice(0, longestLine)}…` : line);
    if (lines === keptLines + 1) onLine('… more was printed than is kept');
  };
}

/** Returns what is to be called at the end: the last line may have no line end. */
function byLines(stream: NodeJS.ReadableStream | null, onLine: (line: string) => void): () => void {
  let open = '';
  const tell = (line: string) => {
    if (line.trim()) onLine(line);
  };
  stream?.setEncoding('utf8');
  stream?.on('data', (text: string) => {
    const lines = (open + text).split('\n');
    // A line without end is cut, long before it is all of the memory.
    open = (lines.pop() ?? '').slice(-8 * longestLine);
    lines.forEach(tell);
  });
  return () => tell(open);
}
