/** What people and programs may do. Reading never shows what is inside of a backup; `download` does. */
export const actions = [
  'read',
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
  'settings',
  'access',
] as const;
export type Action = (typeof actions)[number];

export const roles = ['viewer', 'operator', 'admin'] as const;
export type Role = (typeof roles)[number];

const operatorActions = actions.filter((action) => action !== 'settings' && action !== 'access');
const actionsOfRole: Readonly<Record<Role, readonly Action[]>> = {
  viewer: ['read'],
  operator: operatorActions,
  admin: actions,
};

/** What somebody was given: a role, and for tokens perhaps less than that. */
export interface Grant {
  readonly role: Role;
  /** Null: all sources. */
  readonly sources: readonly string[] | null;
  /** Null: all that the role may. */
  readonly actions: readonly Action[] | null;
}

/** Whether a grant covers an action on a source; null where it is about none or about all of them. */
export function allows(grant: Grant, action: Action, source: string | null): boolean {
  if (!actionsOfRole[grant.role].includes(action)) return false;
  // Whoever may do anything with something may see it.
  if (grant.actions !== null && action !== 'read' && !grant.actions.includes(action)) return false;
  if (grant.sources === null) return true;
  return source === null ? action === 'read' : grant.sources.includes(source);
}

/** What concerned all sources tells of those somebody may not see. */
export function mayReadRun(grant: Grant, run: { readonly source: string | null }): boolean {
  return grant.sources === null || (run.source !== null && allows(grant, 'read', run.source));
}

/** The sources somebody may see, of those there are. */
export function visible<T extends { readonly name: string }>(grant: Grant, sources: readonly T[]): T[] {
  return sources.filter(({ name }) => allows(grant, 'read', name));
}

export function isRole(text: string): text is Role {
  return (roles as readonly string[]).includes(text);
}

export function isAction(text: string): text is Action {
  return (actions as readonly string[]).includes(text);
}
