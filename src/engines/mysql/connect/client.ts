import { once } from 'node:events';
import { startProcess } from '../../../base/run-process.ts';
import { piecesOf } from '../../shared/supervised.ts';
import type { Address } from './connection.ts';
import { toolError } from './errors.ts';
import { toolStart, type ToolStart } from './tool-command.ts';
import type { ClientTool } from './tools.ts';

export interface ClientCall {
  tool: ClientTool;
  address: Address;
  encrypted: boolean;
  /** Where its option file may lie. */
  folder: string;
  signal: AbortSignal;
  /** What its session is set to besides. */
  assignments: readonly string[];
  onStderr: (line: string) => void;
}

/** Nothing of a script is a command to the client: it cannot start programs, read or write files, or leave early. */
const clientArgs = [
  '--binary-mode',
  '--batch',
  // Without it the client takes them out, also of routines and triggers.
  '--comments',
  '--default-character-set=utf8mb4',
  '--max-allowed-packet=1G',
  '--skip-reconnect',
  '--disable-local-infile',
  '--no-auto-rehash',
];

const assignments = ['net_read_timeout=86400', 'net_write_timeout=86400', 'wait_timeout=604800'];

/**
 * Feeds a script to the client. Its input ends only when the script did so well: when that fails, the client is ended by a signal,
 * since at an end it would run even half a statement.
 */
export async function feedClient(call: ClientCall, script: AsyncIterable<Buffer>): Promise<void> {
  const { command, opening } = await startOf(call);
  const onStderr = (line: string) => {
    if (!unknownOption.test(line)) call.onStderr(line);
  };
  const child = startProcess(command, { signal: call.signal, onStderr, stdin: 'pipe', stdout: 'pipe' });
  child.stdout?.resume();
  const { stdin } = child;
  if (!stdin) throw new Error('the client has no input pipe');
  stdin.on('error', () => undefined); // it stopped reading: its exit status tells why
  const ended = child.done.then(
    () => true,
    () => true,
  );
  try {
    if (opening) stdin.write(opening);
    for await (const chunk of opening ? piecesOf(script) : script) {
      if (stdin.destroyed) break;
      if (!stdin.write(chunk)) await Promise.race([once(stdin, 'drain'), ended]).catch(() => undefined);
    }
  } catch (error) {
    child.kill('SIGTERM');
    await ended;
    throw error;
  }
  stdin.end();
  await child.done.catch((error: unknown) => {
    throw toolError(error, call.address);
  });
}

/** It was said to be of no matter, and older clients tell of it all the same. */
const unknownOption = /^Warning: .*unknown (option|variable) '--loose-/;

async function startOf({ tool, address, encrypted, folder, assignments: more }: ClientCall): Promise<ToolStart> {
  const args = [...clientArgs, `--init-command=SET SESSION ${[...assignments, ...more].join(', ')}`];
  // MariaDB's client would repeat a failed statement with all its rows. Older ones do not, and know no such option.
  if (tool.flavour === 'mariadb') args.push('--loose-skip-print-query-on-error');
  return await toolStart(tool, [...args, `--database=${address.database}`], { address, encrypted, folder, fed: true });
}
