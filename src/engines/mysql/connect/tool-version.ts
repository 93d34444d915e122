import { throwIfAborted } from '../../../base/abort.ts';
import { unlessLimited } from '../../../base/errors.ts';
import { runProcess } from '../../../base/run-process.ts';
import type { FoundContainer } from '../../shared/container.ts';
import { remembered } from '../../shared/remembered.ts';
import { plainCommand, toolIdentity } from '../../shared/tool-place.ts';

export type ToolFlavour = 'mariadb' | 'mysql';

export interface ToolVersion {
  /** Whose tool it really is: Debian's `mysqldump` is MariaDB's. */
  readonly flavour: ToolFlavour;
  /** `10.11.19` */
  readonly version: string;
}

/** Asked once for each file: a daemon notices an upgrade by the file's time and size. Null when it does not answer like a tool. */
export async function versionOf(
  path: string,
  container: FoundContainer | null,
  signal: AbortSignal,
): Promise<ToolVersion | null> {
  return await remembered(versions, await toolIdentity(path, container), signal, async () => {
    const ask = plainCommand(path, ['--no-defaults', '--version'], container);
    const output = await runProcess(ask, { signal }).catch(unlessLimited(null));
    throwIfAborted(signal);
    return parseToolVersion(output?.stdout ?? '');
  });
}

const versions = new Map<string, Promise<ToolVersion | null>>();

/**
 * `mariadb-dump  Ver 10.19 Distrib 10.11.19-MariaDB, for ...`, `mariadb-dump from 11.4.2-MariaDB, client 10.19 for ...`,
 * `mysqldump  Ver 8.0.36 for Linux on x86_64 (MySQL Community Server - GPL)`, `mysqldump  Ver 10.13 Distrib 5.7.44, for Linux`.
 */
export function parseToolVersion(text: string): ToolVersion | null {
  const flavour = /MariaDB/i.test(text) ? 'mariadb' : 'mysql';
  const version = (/(?:Distrib|from) (\d+\.\d+\.\d+)/.exec(text) ?? /Ver (\d+\.\d+\.\d+)/.exec(text))?.[1];
  return version === undefined ? null : { flavour, version };
}

/** `10.11.19` as one number: 10011019. */
export function versionNumber(version: string): number {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10) || 0);
  return major * 1_000_000 + minor * 1000 + patch;
}

/** The series that counts for what it can do: `10.11`, `8.4`. */
export function seriesOf(version: string): number {
  return Math.floor(versionNumber(version) / 1000);
}
