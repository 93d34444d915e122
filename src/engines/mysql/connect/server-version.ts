import type { ToolFlavour } from './tool-version.ts';

/** `10.11.19-MariaDB-0+deb12u1`, `8.0.36`, `5.5.5-10.6.1-MariaDB` (as some proxies say it). */
export function flavourOf(version: string): ToolFlavour {
  return /mariadb/i.test(version) ? 'mariadb' : 'mysql';
}

export function numberOf(version: string): string {
  return /(\d+\.\d+\.\d+)/.exec(version.replace(/^5\.5\.5-(?=1\d\.)/, ''))?.[1] ?? version;
}
