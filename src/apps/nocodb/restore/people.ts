import type { BaseFile } from '../tree-format.ts';
import { liveUsers } from './live.ts';
import { isRefusal } from './tables.ts';
import type { Target } from './target.ts';
import { reasonOf, type Work } from './work.ts';

/** What field values may name: people are told by their e-mail address, since ids differ from one NocoDB to the next. */
export type People = ReadonlyMap<string, string>;

/** Makes those members of the base who were, with their roles; `invite` false: only notes who is who. */
export async function bringPeople(
  users: BaseFile['users'],
  target: Target,
  { invite, where }: { invite: boolean; where: string },
  { client, task, found }: Work,
): Promise<People> {
  const base = target.base?.id ?? '';
  const there = new Map((await liveUsers(client, base, task.signal)).map(({ email, id }) => [email.toLowerCase(), id]));
  let invited = false;
  for (const { email, roles } of users) {
    if (there.has(email.toLowerCase()) || !invite) continue;
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
  const now = invited
    ? new Map((await liveUsers(client, base, task.signal)).map(({ email, id }) => [email.toLowerCase(), id]))
    : there;
  for (const { id, email } of users) {
    const known = now.get(email.toLowerCase());
    if (known !== undefined) target.ids.set(id, known);
  }
  return now;
}

/** A base has one owner, who is whoever restores it. */
function roleOf(roles: string | null): string {
  const role = roles?.split(',')[0] ?? 'viewer';
  return role === 'owner' ? 'creator' : role;
}
