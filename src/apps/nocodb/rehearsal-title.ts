import { randomBytes } from 'node:crypto';

const begin = 'holdfast-rehearsal-';

/** By this, what a drill makes, or one that was killed has left, is told from people's bases. */
export function isRehearsal({ title }: { title: string }): boolean {
  return title.startsWith(begin) && /^[0-9a-f]{12}$/.test(title.slice(begin.length));
}

export function rehearsalTitle(): string {
  return begin + randomBytes(6).toString('hex');
}
