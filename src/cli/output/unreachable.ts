import { toHoldfastError } from '../../base/errors.ts';
import type { Io } from '../command.ts';
import { styleFor } from './style.ts';
import { printable } from './text.ts';

export function sayUnreachable(io: Io, storages: readonly { storage: string; error: unknown }[]): void {
  const style = styleFor(io.errorColor);
  for (const { storage, error } of storages) {
    const { message, code } = toHoldfastError(error);
    const known = 'shown is what was last seen there';
    io.screen.line(
      `${style.warn('!')} storage ${storage} could not be asked; ${known}: ${printable(message)} (${code})`,
    );
  }
}
