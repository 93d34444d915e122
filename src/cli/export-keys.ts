import { armor } from 'age-encryption';
import { readKeyFile, recipientsFile, keyIdOf } from '../archive/keys/key-files.ts';
import { HoldfastError } from '../base/errors.ts';
import { listKeys, type ListedKey } from '../care/stock/key-list.ts';
import type { Source } from '../care/source.ts';
import type { House } from '../house.ts';
import type { CommandContext } from './command.ts';
import { recoverySheet, type SheetKey } from './recovery-sheet.ts';

export interface Export {
  house: House;
  source: Source;
  /** In the clear. */
  reveal: boolean;
}

/** Every key of the source once, wherever it lies, with the sheet around them. */
export async function exportSheet(
  { signal, clock }: Pick<CommandContext, 'signal' | 'clock'>,
  { house, source, reveal }: Export,
): Promise<{ sheet: string; keys: SheetKey[] }> {
  const listed = await listKeys(source, house.catalog, signal);
  const byFile = new Map<string, ListedKey>();
  for (const each of listed) if (!byFile.has(each.file)) byFile.set(each.file, each);
  if (byFile.size === 0) {
    throw new HoldfastError('KEY_MISSING', `there is no key of ${source.name} in any of its storages`, {
      hint: 'The first encrypted backup makes one.',
    });
  }
  const keys: SheetKey[] = [];
  for (const each of byFile.values()) keys.push(...(await textsOf(house, source, each, { reveal, signal })));
  const places = source.storages.map(({ name, title }) => ({ name, title }));
  return { sheet: recoverySheet({ source: source.name, at: clock.now().toISOString(), places, keys }), keys };
}

async function textsOf(
  house: House,
  source: Source,
  { file, recipient, storage: name, passphrase }: ListedKey,
  { reveal, signal }: { reveal: boolean; signal: AbortSignal },
): Promise<SheetKey[]> {
  const storage = house.storageOf(source, name);
  if (reveal) {
    const identity = await source.keys.unlock(storage, source.name, file, signal);
    return [{ file, recipient, text: identity, revealed: true, passphrase }];
  }
  const found: SheetKey[] = [];
  for (const path of [file, recipientsFile(keyIdOf(file))]) {
    const content = await readKeyFile(storage, source.name, path, signal);
    if (!content) continue;
    const text = armor.encode(content);
    found.push({ file: path, recipient, text, revealed: false, passphrase: passphrase && path === file });
  }
  return found;
}
