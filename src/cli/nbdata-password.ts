import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { interrupted } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { CommandContext } from './command.ts';
import { printable } from './output/text.ts';
import { wrongUsage } from './usage-error.ts';

const variable = 'HOLDFAST_NBDATA_PASSWORD';

/** The password of `.nbdata` files: from the environment, or asked for once on a terminal; null where nobody can be asked. */
export function nbdataPassword(
  context: Pick<CommandContext, 'env' | 'io' | 'signal' | 'cwd' | 'yes'>,
): (name: string) => Promise<Secret | null> {
  let found: Promise<Secret | null> | undefined;
  return (name) => (found ??= find(context, name));
}

async function find(
  { env, io, signal, cwd, yes }: Pick<CommandContext, 'env' | 'io' | 'signal' | 'cwd' | 'yes'>,
  name: string,
): Promise<Secret | null> {
  const given = env[variable];
  const file = env[`${variable}_FILE`];
  if (given && file) throw wrongUsage(`${variable} and ${variable}_FILE are both given`, 'Keep one of them.');
  if (given) return new Secret(given);
  if (file) return new Secret((await readFile(resolve(cwd, file), 'utf8')).replace(/\r?\n$/, ''));
  if (!io.interactive || yes) return null;
  const { password } = await import('@clack/prompts');
  const said = await password({
    input: io.stdin,
    output: io.stderr,
    signal,
    message: `Password of ${printable(name)}`,
  });
  if (typeof said === 'symbol') throw interrupted();
  return said ? new Secret(said) : null;
}
