import { toHoldfastError } from '../../base/errors.ts';
import type { Io } from '../command.ts';
import { styleFor } from './style.ts';
import { hanging, printable } from './text.ts';

export function sayUnreachable(
  io: Io,
  storages: readonly { storage: string; error: unknown }[],
  known = 'shown is what was last seen there',
): void {
  const style = styleFor(io.errorColor);
  for (const { storage, error } of storages) {
    const { message, code } = toHoldfastError(error);
    const text = `storage ${storage} could not be asked; ${known}: ${printable(message)} (${code})`;
    const columns = io.live ? io.columns : Number.POSITIVE_INFINITY;
    for (const line of hanging(`${style.warn('!')} `, text, columns)) io.screen.line(line);
  }
}
