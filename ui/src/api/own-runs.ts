import type { RunView } from '../../../src/api/contract.ts';

const begun = new Set<string>();

/** Somebody began it on this page and wants to hear how it ended. */
export function rememberRun({ id }: Pick<RunView, 'id'>): void {
  begun.add(id);
}

/** True once, when a run that was begun here has ended. */
export function isOwnEnd({ id, finishedAt }: Pick<RunView, 'id' | 'finishedAt'>): boolean {
  return finishedAt !== null && begun.delete(id);
}
