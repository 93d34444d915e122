import type { Hook } from '../instance.ts';

/**
 * A webhook without what opens other systems: its address (that of many services is the secret itself), headers, credentials and body.
 * `withheld` names what is not there any more.
 */
export function withoutSecrets(hook: Hook): { hook: Hook; withheld: string[] } {
  const withheld: string[] = [];
  const clean: Hook = { ...hook };
  for (const name of ['url', 'headers', 'payload'] as const) {
    const value = clean[name];
    if (value === null || value === undefined || typeof value === 'number' || typeof value === 'boolean') continue;
    clean[name] = null;
    withheld.push(name);
  }
  const notification = objectOf(hook['notification']);
  if (notification === null) return { hook: clean, withheld };
  const { payload, ...rest } = notification;
  const content = objectOf(payload);
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(content ?? {})) {
    if (harmless.has(name) && typeof value !== 'object') kept[name] = value;
    else if (!isEmpty(value)) withheld.push(`notification.payload.${name}`);
  }
  if (content === null && !isEmpty(payload)) withheld.push('notification.payload');
  clean['notification'] = { ...rest, payload: kept };
  return { hook: clean, withheld };
}

const harmless = new Set(['method', 'type', 'retries', 'retryInterval', 'timeout']);

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);
}

function objectOf(value: unknown): Record<string, unknown> | null {
  let read = value;
  if (typeof value === 'string') {
    try {
      read = JSON.parse(value);
    } catch {
      return null;
    }
  }
  return typeof read === 'object' && read !== null && !Array.isArray(read) ? (read as Record<string, unknown>) : null;
}
