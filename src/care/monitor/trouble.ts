import { toHoldfastError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Trouble } from './facts.ts';

/** In our words, and without secrets: findings are sent to people and programs. */
export function troubleOf(error: unknown): Trouble {
  const { code, message, hint } = toHoldfastError(error);
  return { code, message: withoutSecrets(message), hint: hint === undefined ? null : withoutSecrets(hint) };
}
