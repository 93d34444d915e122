import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { createIdentity } from '../archive/keys/key-wrap.ts';
import { HoldfastError, systemErrno } from '../base/errors.ts';
import type { CommandContext } from './command.ts';

/** A pair for a person; an existing file is never replaced, because backups may need it. */
export async function createIdentityFile(
  out: string | undefined,
  { cwd, clock }: Pick<CommandContext, 'cwd' | 'clock'>,
): Promise<{ recipient: string; content: string }> {
  const { identity, recipient } = await createIdentity();
  const content = `# created: ${clock.now().toISOString()}\n# public key: ${recipient}\n${identity}\n`;
  if (out === undefined) return { recipient, content };
  const file = resolve(cwd, out);
  try {
    await writeFile(file, content, { mode: 0o600, flag: 'wx' });
  } catch (cause) {
    const exists = systemErrno(cause) === 'EEXIST';
    throw new HoldfastError(
      exists ? 'IDENTITY_EXISTS' : 'IDENTITY_NOT_WRITTEN',
      exists ? `there is a file ${file} already` : `the file ${file} cannot be written`,
      {
        kind: exists ? 'usage' : 'failed',
        cause,
        hint: exists ? 'Choose another name: backups may need that key.' : 'Choose another place.',
      },
    );
  }
  return { recipient, content };
}
