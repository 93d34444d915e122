import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { HoldfastError } from '../base/errors.ts';
import { Secret } from '../base/secret.ts';
import type { CommandContext } from './command.ts';
import { askerFor } from './output/ask-passphrase.ts';

const shortest = 8;

/** From what to what; null is the configured one. Passphrases are never arguments: those can be read by every user of the machine. */
export async function choosePassphrases(
  context: Pick<CommandContext, 'io' | 'cwd' | 'signal'>,
  { oldFile, newFile }: { oldFile: string | undefined; newFile: string | undefined },
): Promise<{ from: Secret | null; to: Secret | null }> {
  const from = oldFile === undefined ? null : await readPassphrase(context, oldFile);
  if (newFile !== undefined) return { from, to: await readPassphrase(context, newFile) };
  if (from) return { from, to: null };
  const ask = askerFor(context.io, context.signal);
  if (!ask) {
    throw new HoldfastError('PASSPHRASE_NEEDED', 'nobody is here to type the new passphrase', {
      kind: 'usage',
      hint: 'Give it with `--new-file <file>`; or, when it is configured already, the former one with `--old-file <file>`.',
    });
  }
  const to = await ask('The new passphrase');
  const again = to && (await ask('The same again'));
  if (!to || to.reveal() !== again?.reveal()) {
    throw new HoldfastError('NOT_CONFIRMED', 'the two were not the same; nothing was changed', { kind: 'refused' });
  }
  return { from, to: longEnough(to) };
}

async function readPassphrase({ cwd }: Pick<CommandContext, 'cwd'>, path: string): Promise<Secret> {
  const file = resolve(cwd, path);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new HoldfastError('FILE_NOT_FOUND', `the file ${file} cannot be read`, { kind: 'usage', cause });
  });
  return longEnough(new Secret(text.replace(/\r?\n$/, '')));
}

function longEnough(passphrase: Secret): Secret {
  if (passphrase.reveal().length >= shortest) return passphrase;
  throw new HoldfastError('PASSPHRASE_SHORT', `a passphrase must have at least ${shortest} characters`, {
    kind: 'usage',
    hint: 'Several random words are easy to remember and hard to guess.',
  });
}
