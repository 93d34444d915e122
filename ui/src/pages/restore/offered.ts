import type { BackupView } from '../../../../src/api/contract.ts';

/** What can be restored: what is whole, newest first, and the one an address named even when it is not on this page of the list. */
export function offered(page: readonly BackupView[], named: BackupView | null): BackupView[] {
  const whole = page.filter(({ state }) => state === 'complete');
  const there = named === null || named.state !== 'complete' || whole.some(({ id }) => id === named.id);
  return there ? whole : [named, ...whole];
}

/** Every word somewhere in what is shown. */
export function matches({ id, createdAt, description, trigger }: BackupView, search: string): boolean {
  const text = [id, createdAt, description, trigger].join(' ').toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
