import { throwIfAborted } from './abort.ts';
import { runProcess, type Command } from './run-process.ts';

/** As much as one reading of a pipe takes. */
const size = '64K';

/**
 * What a command must be for its program to write to a pipe in large pieces. Dump tools leave that to the C library, which writes 4 KB at a time,
 * and each costs a call there and a turn of everything here: together more than compressing them. `stdbuf` of the GNU
 * tools knows how a program is told otherwise; where there is none, or it does not work, commands stay what they are.
 */
export async function largeWrites(signal: AbortSignal): Promise<(command: Command) => Command> {
  const said = await runProcess({ program: 'stdbuf', args: [`-o${size}`, 'env'] }, { signal }).catch(() => null);
  throwIfAborted(signal);
  const found = said?.stderr === '' ? said.stdout.matchAll(/^(LD_PRELOAD|_STDBUF_O)=(.+)$/gm) : [];
  const env = Object.fromEntries([...found].map(([, name = '', value = '']) => [name, value]));
  return (command) => ({ ...command, env: { ...command.env, ...env } });
}
