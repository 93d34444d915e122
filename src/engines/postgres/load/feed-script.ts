import { randomBytes } from 'node:crypto';
import { HoldfastError } from '../../../base/errors.ts';
import { startProcess, type Command } from '../../../base/run-process.ts';
import { writeTo } from '../connect/fed-process.ts';
import { liftLimits } from './session-limits.ts';

export type Send = (text: Buffer | string) => Promise<void>;

/**
 * Gives psql a script that `produce` sends piece by piece. The script ends only when `produce` is done: when it fails, psql is ended
 * without an end of its input, so that whatever it has begun is rolled back.
 */
export async function feedScript(
  command: Command,
  produce: (send: Send, signal: AbortSignal) => Promise<void>,
  options: { signal: AbortSignal; onStderr: (line: string) => void; onSaid?: (last: string) => void },
): Promise<void> {
  const { signal, onStderr } = options;
  const child = startProcess(command, { signal, onStderr, stdin: 'pipe', stdout: 'pipe' });
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('latin1')).slice(-1024);
    options.onSaid?.(said);
  });
  const { stdin } = child;
  if (!stdin) throw new Error('psql has no input pipe');
  stdin.on('error', () => undefined); // it stopped reading: its exit status tells why
  const over = new AbortController();
  child.done.then(
    () => over.abort(stoppedEarly()),
    (error: unknown) => over.abort(error),
  );
  try {
    await writeTo(stdin, liftLimits);
    await produce((text) => writeTo(stdin, text), AbortSignal.any([options.signal, over.signal]));
  } catch (error) {
    const psqlFailedFirst = over.signal.aborted;
    child.kill('SIGTERM');
    await child.done.catch((failure: unknown) => {
      if (psqlFailedFirst) throw failure;
    });
    throw error;
  }
  // A script that is cut off inside a table's rows, or that says `\\q`, ends with status 0 too: only an answer to the last line proves it.
  const last = `holdfast-${randomBytes(9).toString('hex')}`;
  stdin.end(`\n\\echo ${last}\n`);
  await child.done;
  if (!said.includes(last)) throw stoppedEarly();
}

function stoppedEarly(): HoldfastError {
  return new HoldfastError('SCRIPT_STOPPED', 'psql stopped before the end of the script', {
    kind: 'integrity',
    hint: 'The dump is cut off, or tells psql to stop. Use another backup.',
  });
}

/**
 * pg_dump and pg_restore 17 and newer begin their scripts with a setting that older servers refuse. It stands among the first lines.
 */
export async function* forServer(script: AsyncIterable<Buffer>, serverMajor: number): AsyncIterable<Buffer> {
  if (serverMajor >= 17) {
    yield* script;
    return;
  }
  let head: Buffer | null = Buffer.alloc(0);
  for await (const chunk of script) {
    if (head === null) {
      yield chunk;
      continue;
    }
    head = Buffer.concat([head, chunk]);
    if (head.length < headBytes) continue;
    yield withoutNewSetting(head);
    head = null;
  }
  if (head !== null) yield withoutNewSetting(head);
}

const headBytes = 8192;
const newSetting = /^SET transaction_timeout = 0;\r?\n/m;

function withoutNewSetting(head: Buffer): Buffer {
  // Latin-1 keeps every byte as it is, also where a character is cut by the end of the piece.
  const match = newSetting.exec(head.subarray(0, headBytes).toString('latin1'));
  if (!match) return head;
  return Buffer.concat([head.subarray(0, match.index), head.subarray(match.index + match[0].length)]);
}
