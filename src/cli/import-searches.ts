import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { foreignSystems } from '../archive/foreign/names.ts';
import { dumpFolderPlace, filePlace, folderPlace, storagePlace } from '../archive/foreign/place.ts';
import type { ImportSearch } from '../backup/find-imports.ts';
import { HoldfastError } from '../base/errors.ts';
import type { House } from '../house.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { dumpFiles } from './dump-file.ts';
import { wrongUsage } from './usage-error.ts';

type How = Pick<ImportSearch, 'system' | 'timezone' | 'signal'>;

/** Where to look, from what was typed. All paths are looked for before the first is opened. */
export async function searchesFor(
  { cwd, signal }: CommandContext,
  input: CommandInput,
  house: House,
): Promise<ImportSearch[]> {
  const system = foreignSystems.find((name) => name === input.text('system')) ?? null;
  const how = { system, timezone: timezoneOf(input.text('timezone')) ?? house.timezone, signal };
  const texts = input.texts('path');
  const from = input.text('from');
  if (from !== undefined) return inStorage(house, from, texts, how);
  if (texts.length === 0) {
    throw wrongUsage('nothing was said about where to look', 'Give files or folders, or `--from` and a storage.');
  }
  return Promise.all((await dumpFiles(texts, cwd)).map((path) => searchPath(path, how)));
}

async function searchPath(path: string, how: How): Promise<ImportSearch> {
  if (!(await stat(path)).isDirectory()) {
    return { ...how, place: filePlace(path), named: `${basename(dirname(path))}/${basename(path)}` };
  }
  const dump = await dumpFolderPlace(path);
  return dump ? { ...how, place: dump, named: basename(path) } : { ...how, place: folderPlace(path), named: null };
}

function inStorage(house: House, name: string, prefixes: readonly string[], how: How): ImportSearch[] {
  const storage = house.storages.find((each) => each.name === name);
  if (!storage) {
    throw new HoldfastError('STORAGE_UNKNOWN', `there is no storage named "${name}"`, {
      kind: 'usage',
      hint: `Configured: ${house.storages.map((each) => each.name).join(', ')}.`,
    });
  }
  const wanted = prefixes.length === 0 ? [''] : prefixes;
  return wanted.map((prefix) => ({
    ...how,
    place: storagePlace(storage, prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/`, house.scratch),
    named: null,
  }));
}

function timezoneOf(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    throw wrongUsage(`--timezone ${text} is not a time zone`, 'Give a name like Europe/Berlin or UTC.');
  }
}
