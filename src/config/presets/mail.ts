import type { Path } from '../path.ts';
import type { Draft } from './preset.ts';

/** The mail server, as the `SMTP_*` variables name it; two of the systems have the same ones. */
export function mailSettings(draft: Draft, path: Path, tls: { value: string; from: readonly string[] }): void {
  const names = { host: 'SMTP_HOST', port: 'SMTP_PORT', user: 'SMTP_USER', password: 'SMTP_PASSWORD' };
  for (const [key, name] of Object.entries(names)) {
    const value = draft.text(name);
    if (value !== null) draft.set([...path, key], value, name);
  }
  draft.set([...path, 'tls'], tls.value, ...tls.from);
}
