import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { formatCount } from '../../base/units.ts';
import type { AppCheck } from '../app.ts';
import type { Instance } from './instance.ts';
import type { NocodbSettings } from './options.ts';

/** What `doctor` tells of it: reached, let in, what it shows, and whether restoring would be allowed. */
export async function checkInstance(
  instance: Instance,
  settings: NocodbSettings,
  signal: AbortSignal,
): Promise<AppCheck[]> {
  const { title } = instance.client;
  const checks: AppCheck[] = [];
  try {
    const person = await instance.person(signal);
    const version = await instance.version(signal);
    checks.push({ name: 'address', result: 'ok', detail: `${title} answers${version === null ? '' : `, ${version}`}` });
    const who = person.email ?? 'its user';
    checks.push(
      person.superAdmin
        ? { name: 'token', result: 'ok', detail: `${who}, super admin` }
        : {
            name: 'token',
            result: 'warning',
            detail: `${who} is not the super admin: other bases than this user's are not saved`,
            hint: 'Use a token of the super admin, or make the user a member of every base.',
          },
    );
    checks.push(...(await checkBases(instance, settings, person.superAdmin, signal)));
    if (!person.mayCreate) {
      checks.push({
        name: 'restore',
        result: 'warning',
        detail: `${who} may not create bases, which restoring one needs`,
        hint: 'Give the user the role of a creator when a base has to be restored.',
      });
    }
  } catch (error) {
    const failure = toHoldfastError(error);
    if (failure.kind === 'interrupted') throw failure;
    const name = failure.code === 'NOCODB_TOKEN' ? 'token' : 'address';
    checks.push({
      name,
      result: 'failed',
      detail: failure.message,
      ...(failure.hint === undefined ? {} : { hint: failure.hint }),
    });
  }
  return checks;
}

async function checkBases(
  instance: Instance,
  settings: NocodbSettings,
  superAdmin: boolean,
  signal: AbortSignal,
): Promise<AppCheck[]> {
  const bases = await instance.bases(signal);
  const missing = settings.bases.filter((name) => !bases.some(({ id, title }) => id === name || title === name));
  if (missing.length > 0) {
    const hint = 'Correct bases of the app, or invite the user of the token.';
    return [{ name: 'bases', result: 'failed', detail: `there is no base named ${missing.join(', ')}`, hint }];
  }
  if (bases.length === 0) {
    const hint = 'Make the user of the token a member of the bases.';
    return superAdmin
      ? [{ name: 'bases', result: 'warning', detail: 'there is no base yet' }]
      : [{ name: 'bases', result: 'failed', detail: 'no base is shown to the token', hint }];
  }
  const wanted = settings.bases.length === 0 ? bases.length : settings.bases.length;
  const checks: AppCheck[] = [{ name: 'bases', result: 'ok', detail: `${formatCount(wanted, 'base')} to save` }];
  const [first] = bases;
  if (first === undefined) return checks;
  try {
    const [table] = await instance.tables(first.id, signal);
    if (table === undefined) return checks;
    const { columns } = await instance.table(table.id, signal);
    const hooks = await instance.hooks(table.id, signal);
    if (columns.length > 0 && hooks !== null) return checks;
    const detail = 'the token may not read webhooks: they are not saved';
    checks.push({ name: 'rights', result: 'warning', detail, hint: 'Make its user a creator or owner of the bases.' });
  } catch (error) {
    if (!(error instanceof HoldfastError) || error.kind === 'interrupted') throw error;
    checks.push({ name: 'rights', result: 'failed', detail: error.message });
  }
  return checks;
}
