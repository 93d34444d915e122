import { toHoldfastError } from '../base/errors.ts';
import { blocking, evaluateGuards, type Guard, type GuardFacts } from './guards.ts';

/** What it will not be like is looked at last: where a guard blocks, that is what is told. */
export async function withConsequences(facts: GuardFacts, look: () => Promise<string[]> | undefined): Promise<Guard[]> {
  const guards = evaluateGuards(facts);
  if (blocking(guards).length > 0) return guards;
  return evaluateGuards({ ...facts, consequences: (await unlessDamaged(look())) ?? [] });
}

/** Damage is told when every stored byte has been compared, and only where no other storage has the backup whole. */
async function unlessDamaged<T>(work: Promise<T> | undefined): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (toHoldfastError(error).kind === 'integrity') return undefined;
    throw error;
  }
}
