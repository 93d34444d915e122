import type { Action, Role } from '../../../../src/access/roles.ts';

export const lifetimes = ['7', '30', '90', '365', 'never'] as const;
export type Lifetime = (typeof lifetimes)[number];

/** What a role may at most, without looking, which everybody may. The server has the last word. */
export function actionsFor(role: Role): readonly Action[] {
  return role === 'viewer' ? [] : role === 'operator' ? operatorActions : [...operatorActions, 'settings', 'access'];
}

const operatorActions = [
  'backup',
  'verify',
  'drill',
  'copy',
  'hold',
  'download',
  'cancel',
  'alert',
  'restore',
  'import',
  'delete',
  'prune',
] as const satisfies readonly Action[];

export function expiryOf(lifetime: Lifetime, now = new Date()): string | null {
  return lifetime === 'never' ? null : new Date(now.getTime() + Number(lifetime) * 86_400_000).toISOString();
}
