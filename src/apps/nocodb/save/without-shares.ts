/** Without the address and password of a shared view, base or table: whoever has them sees what is shared. */
export function withoutShares<Thing extends Record<string, unknown>>(thing: Thing, secrets: boolean): Thing {
  if (secrets) return thing;
  const clean: Record<string, unknown> = { ...thing };
  for (const name of ['uuid', 'password']) if (name in clean) clean[name] = null;
  const { view } = clean;
  if (typeof view === 'object' && view !== null)
    clean['view'] = withoutShares(view as Record<string, unknown>, secrets);
  return clean as Thing;
}
