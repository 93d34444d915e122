import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { measure } from './measure.ts';
import type { Taken } from './rounds.ts';

export interface SealedTask {
  program: string;
  /** Where the configuration, the state and the backups lie. */
  folder: string;
  sources: Record<string, object>;
  env: Record<string, string>;
  signal: AbortSignal;
}

/** What the stock programs and ours get of this process's environment. */
export function plainEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', TMPDIR } = process.env;
  return { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }) };
}

/** A configuration with these sources and a storage on the local disk, which keeps one backup of each. */
export async function configure({ folder, sources }: SealedTask): Promise<void> {
  const kept = Object.entries(sources).map(([name, source]) => [name, { ...source, retention: { last: 1 } }]);
  const config = {
    state: './state',
    sources: Object.fromEntries(kept),
    storages: { local: { type: 'local', path: './backups' } },
  };
  await writeFile(join(folder, 'holdfast.yaml'), stringify(config), { mode: 0o600 });
}

/** A backup from the start of the command until it was sealed, without reading it back and the retention that follow. */
export async function backUpUntilSealed({ program, folder, env, signal }: SealedTask, source: string): Promise<Taken> {
  const config = join(folder, 'holdfast.yaml');
  const measured = await measure(program, ['backup', source, '--json', '--config', config], env, signal);
  const { bytes, sealedAt } = JSON.parse(measured.stdout) as { bytes: number; sealedAt: string };
  return { ...measured, bytes, seconds: (Date.parse(sealedAt) - measured.startedAt) / 1000 };
}
