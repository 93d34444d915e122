import type { BaseFile } from '../tree-format.ts';
import { liveUsers } from './live.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

/** What field values may name: people are told by their e-mail address, since ids differ from one NocoDB to the next. */
export type People = ReadonlyMap<string, string>;

/**
 * Makes those members of the base who were, with their roles; `invite` false: only notes who is who. NocoDB lists everybody who has an
 * account, members or not: who has no role is none, and must not become one by a restore. Nor must who was removed from a base that lives
 * come back with one of its tables.
 */
export async function bringPeople(
  users: BaseFile['users'],
  target: Target,
  { invite, where }: { invite: boolean; where: string },
  { client, task, found }: Work,
): Promise<People> {
  const base = target.base?.id ?? '';
  const before = await liveUsers(client, base, task.signal);
  const members = new Set(before.filter(isMember).map(({ email }) => email.toLowerCase()));
  let invited = false;
  for (const user of users) {
    const { email, roles } = user;
    if (!invite || !isMember(user) || members.has(email.toLowerCase())) continue;
    if (!target.fresh) {
      found.warn(`${email} was a member of ${where} and is none now: not invited again`);
      continue;
    }
    try {
      await client.send('POST', `/api/v2/meta/bases/${base}/users`, {
        body: { email, roles: roleOf(roles) },
        repeat: 'safe',
        signal: task.signal,
      });
      invited = true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      found.lose(where, `member ${email}`, reasonOf(error));
    }
  }
  const after = invited ? await liveUsers(client, base, task.signal) : before;
  const now = new Map(after.map(({ email, id }) => [email.toLowerCase(), id]));
  for (const { id, email } of users) {
    const known = now.get(email.toLowerCase());
    if (known !== undefined) target.ids.set(id, known);
  }
  return now;
}

export function isMember({ roles }: { roles?: string | null | undefined }): boolean {
  return typeof roles === 'string' && roles !== '';
}

/** A base has one owner, who is whoever restores it. */
function roleOf(roles: string | null): string {
  const role = roles?.split(',')[0] ?? 'no-access';
  return role === 'owner' ? 'creator' : role;
}
