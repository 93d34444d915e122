/** As `SHOW CREATE EVENT` writes it; asleep is what an event is on a replica, and what we make of those that shall not run for now. */
export type EventStatus = 'enabled' | 'disabled' | 'asleep';

const words = { enabled: 'ENABLE', disabled: 'DISABLE', asleep: 'DISABLE ON SLAVE' };
/** Names and texts may say the same. */
const parts =
  /`(?:[^`]|``)*`|'(?:[^'\\]|\\.|'')*'|( ON COMPLETION (?:NOT )?PRESERVE )(ENABLE|DISABLE ON (?:SLAVE|REPLICA)|DISABLE)\b/g;

export function statusOf(create: string): EventStatus | null {
  for (const [, , word] of create.matchAll(parts)) {
    if (word !== undefined) return word === 'ENABLE' ? 'enabled' : word === 'DISABLE' ? 'disabled' : 'asleep';
  }
  return null;
}

export function withStatus(create: string, status: EventStatus): string {
  let found = false;
  return create.replace(parts, (part: string, before: string | undefined) => {
    // What comes later is what the event does.
    if (before === undefined || found) return part;
    found = true;
    return before + words[status];
  });
}
