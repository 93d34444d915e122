interface OlderLevel {
  name: string;
  level: string;
}

/** The sidecar of NocoDB has a level of its own. Its short name is anybody's, and so counts only where the preset was asked for. */
export function olderLogLevel(env: Env): OlderLevel | null {
  for (const name of namesOf('LOG_LEVEL', env)) {
    const text = env[name]?.trim().toLowerCase();
    if (text) return { name, level: names[text] ?? text };
  }
  return null;
}

/** `json`, or null: whatever else stands there made text. */
export function olderLogFormat(env: Env): 'json' | null {
  return namesOf('LOG_FORMAT', env).some((name) => env[name]?.trim().toLowerCase() === 'json') ? 'json' : null;
}

function namesOf(name: string, env: Env): string[] {
  const short = env['HOLDFAST_PRESET']?.trim().toLowerCase() === 'nocodb' ? [`BACKUP_${name}`, name] : [];
  return [`NOCODB_BACKUP_${name}`, ...short];
}

type Env = Readonly<Record<string, string | undefined>>;

const names: Readonly<Record<string, string>> = { warning: 'warn', critical: 'error' };
