import { HoldfastError } from '../../../base/errors.ts';

export function damaged(why: string, at: number): HoldfastError {
  return new HoldfastError('TAR_DAMAGED', `the tar cannot be read: ${why} (before byte ${at})`, {
    kind: 'integrity',
    hint: 'Use another copy or another backup.',
  });
}

export function hostile(what: string, path: string): HoldfastError {
  return new HoldfastError(
    'TAR_HOSTILE',
    `the tar holds ${what}, which no backup of ours does: ${JSON.stringify(path.slice(0, 200))}`,
    {
      kind: 'integrity',
      hint: 'Find out who made this file before it is used; with tar -t its members can be looked at.',
    },
  );
}
