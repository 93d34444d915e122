import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '../../base/errors.ts';
import type { NocobaseSettings } from './options.ts';

/** The application's own settings, as far as they lie in a file. What a container is given from outside is not among them. */
export interface AppEnvironment {
  /** Null: there is none. */
  file: string | null;
  text: string;
  /** Empty values are left out: NocoBase treats them as not given. */
  values: ReadonlyMap<string, string>;
}

const largest = 1024 * 1024;

export async function readEnvironment(settings: NocobaseSettings): Promise<AppEnvironment> {
  const file = settings.envFile ?? join(settings.path, '.env');
  try {
    const { size } = await lstat(file);
    if (size > largest) throw new Error(`it has ${size} bytes, which no file of settings has`);
    const text = await readFile(file, 'utf8');
    return { file, text, values: parseEnv(text) };
  } catch (cause) {
    // In a container all settings may come from outside; a file that was named must be there.
    if (settings.envFile === null && isMissing(cause)) return { file: null, text: '', values: new Map() };
    throw new HoldfastError('NOCOBASE_SETTINGS_UNREADABLE', `the settings of NocoBase in ${file} cannot be read`, {
      cause,
      hint: 'Let the account that runs Holdfast read the file, or name another one under app.envFile.',
    });
  }
}

const line =
  /^[ \t]*(?:export[ \t]+)?([\w.-]+)(?:[ \t]*=[ \t]*|:[ \t]+)('(?:\\'|[^'])*'|"(?:\\"|[^"])*"|`(?:\\`|[^`])*`|[^#\n]*)[ \t]*(?:#.*)?$/gm;

/**
 * As the library reads it that NocoBase uses (dotenv 16), oddities included, because what counts is the value NocoBase sees: without
 * quotes a `#` begins a comment wherever it stands, quoted values may span lines, and of two lines with one name the last counts.
 */
export function parseEnv(text: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const [, name = '', written = ''] of text.replaceAll(/\r\n?/g, '\n').matchAll(line)) {
    const value = unquote(written.trim());
    if (value === '') values.delete(name);
    else values.set(name, value);
  }
  return values;
}

function unquote(written: string): string {
  const quote = written.at(0) ?? '';
  const quoted = written.length >= 2 && '\'"`'.includes(quote) && written.endsWith(quote);
  const value = quoted ? written.slice(1, -1) : written;
  return quoted && quote === '"' ? value.replaceAll(String.raw`\n`, '\n').replaceAll(String.raw`\r`, '\r') : value;
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
