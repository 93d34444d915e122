import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { CommandContext } from './command.ts';
import { askerFor } from './output/ask-passphrase.ts';
import { wrongUsage } from './usage-error.ts';

/** From a file, or typed twice. Never an argument: those can be read by every user of the machine. */
export async function newPassword(
  { io, cwd, signal }: Pick<CommandContext, 'io' | 'cwd' | 'signal'>,
  path: string | undefined,
): Promise<Secret> {
  if (path !== undefined) return secretIn(resolve(cwd, path));
  const ask = askerFor(io, signal);
  if (!ask) {
    throw new HoldfastError('PASSWORD_NEEDED', 'nobody is here to type the password', {
      kind: 'usage',
      hint: 'Give it with `--password-file <file>`.',
    });
  }
  const typed = await ask('The password');
  const again = typed && (await ask('The same again'));
  if (typed && typed.reveal() === again?.reveal()) return typed;
  throw new HoldfastError('NOT_CONFIRMED', 'the two were not the same; nothing was changed', { kind: 'refused' });
}

const variable = 'HOLDFAST_ADMIN_PASSWORD';

/** For installations that nobody watches while they start; null when there is none. */
export async function adminPassword({ env, cwd }: Pick<CommandContext, 'env' | 'cwd'>): Promise<Secret | null> {
  const given = env[variable];
  const file = env[`${variable}_FILE`];
  if (given && file) throw wrongUsage(`${variable} and ${variable}_FILE are both given`, 'Keep one of them.');
  if (given) return new Secret(given);
  return file ? secretIn(resolve(cwd, file)) : null;
}

async function secretIn(file: string): Promise<Secret> {
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `the file ${file} cannot be read`, { kind: 'usage', cause });
  });
  return new Secret(text.replace(/\r?\n$/, ''));
}
