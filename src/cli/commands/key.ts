import type { Rewrapped, WriteKey } from '../../archive/keys/keys.ts';
import type { ListedKey } from '../../care/stock/key-list.ts';
import type { Source } from '../../care/source.ts';
import type { House } from '../../house.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { pickSource, pickSources } from '../pick.ts';

const create: Command = {
  name: 'create',
  summary: 'make a pair of keys for a person: the public one encrypts, the secret one reads',
  options: [
    { name: 'out', value: 'file', summary: 'where to write the secret one; default: print it', complete: 'file' },
  ],
  examples: [
    {
      line: 'holdfast key create --out identity.txt',
      does: 'keep the file away from the server, configure what is printed',
    },
  ],
  help: `For public-key mode: the printed age1... goes into encryption.recipients, and a server with that alone can make backups
but not read them. The file is like one of age-keygen. Sources need no such pair: their own keys are made by the first backup.`,
  run: async (context, input) => {
    const { createIdentityFile } = await import('../identity-file.ts');
    const out = input.text('out');
    const { recipient, content } = await createIdentityFile(out, context);
    if (context.json)
      return printJson(context.io, { recipient, file: out ?? null, ...(out ? {} : { identity: content }) });
    if (out === undefined) context.io.stdout.write(content);
    else print(context.io, recipient);
  },
};

const list: Command = {
  name: 'list',
  summary: 'the keys of the sources, in each storage',
  arguments: [{ name: 'source', summary: 'which source; default: all', optional: true, complete: 'source' }],
  examples: [{ line: 'holdfast key list', does: 'which there are, and who can open them' }],
  run: async (context, input) => {
    const { house, sources } = await pickSources(context, input);
    const { listKeys } = await import('../../care/stock/key-list.ts');
    const keys: ListedKey[] = [];
    for (const source of sources) keys.push(...(await listKeys(source, house.catalog, context.signal)));
    if (context.json) return printJson(context.io, keys);
    print(context.io, ...(await renderKeys(context, keys)));
  },
};

const rotate: Command = {
  name: 'rotate',
  summary: 'use a new key from the next backup on; older backups keep theirs',
  arguments: [
    { name: 'source', summary: 'which source; default: all that are encrypted', optional: true, complete: 'source' },
  ],
  examples: [{ line: 'holdfast key rotate', does: 'after somebody who had the key has left' }],
  help: 'Nothing is encrypted anew: whoever has an old key still reads the backups made with it.',
  run: async (context, input) => {
    const { rotateKey } = await import('../../backup/renew-keys.ts');
    const done: ({ source: string } & WriteKey)[] = [];
    for (const { task, source } of await encryptedSources(context, input)) {
      done.push({ source: source.name, ...(await rotateKey(task)) });
    }
    if (context.json) return printJson(context.io, done);
    for (const { source, file, recipient } of done) print(context.io, `${source}  ${file}  ${recipient}`);
  },
};

const change: Command = {
  name: 'change-passphrase',
  summary: 'let another passphrase open the keys, in every storage; touches no backup',
  arguments: [
    { name: 'source', summary: 'which source; default: all that are encrypted', optional: true, complete: 'source' },
  ],
  options: [
    { name: 'old-file', value: 'file', summary: 'the former one; default: the configured one', complete: 'file' },
    {
      name: 'new-file',
      value: 'file',
      summary: 'the new one; default: the configured one if --old-file is given',
      complete: 'file',
    },
  ],
  examples: [
    { line: 'holdfast key change-passphrase', does: 'asks for the new one; then change the configuration' },
    { line: 'holdfast key change-passphrase --old-file old.txt', does: 'to the one that is configured now' },
  ],
  help: `The new file of each key is read back and opened before the old one goes. Interrupted, every key opens with one of the
two, and the same command finishes the work.`,
  run: async (context, input) => {
    const { choosePassphrases } = await import('../passphrases.ts');
    const sources = await encryptedSources(context, input);
    const chosen = await choosePassphrases(context, {
      oldFile: input.text('old-file'),
      newFile: input.text('new-file'),
    });
    const { changePassphrase } = await import('../../backup/renew-keys.ts');
    const done: ({ source: string } & Rewrapped)[] = [];
    const lines = () =>
      done.map(({ source, storage, file, result }) => `${source}  ${storage}  ${file}  ${words[result]}`);
    try {
      for (const { task, source } of sources) {
        for (const each of await changePassphrase(task, chosen)) done.push({ source: source.name, ...each });
      }
    } catch (error) {
      // These need the new passphrase from now on, whatever became of the others.
      for (const line of lines()) context.io.screen.line(line);
      throw error;
    }
    if (context.json) return printJson(context.io, done);
    for (const line of lines()) print(context.io, line);
    if (chosen.to) context.io.screen.line('Now change encryption.passphrase (or HOLDFAST_PASSPHRASE) to the new one.');
  },
};

const words = {
  changed: 'changed',
  present: 'had the new one already',
  recipients: 'has no passphrase',
} as const satisfies Record<Rewrapped['result'], string>;

const exportKeys: Command = {
  name: 'export',
  summary: 'print the recovery sheet: the keys, and how to restore without Holdfast',
  arguments: [{ name: 'source', summary: 'which source, where there are several', optional: true, complete: 'source' }],
  options: [
    { name: 'reveal', summary: 'the keys in the clear, so that no passphrase is needed; keep it as safe as the data' },
  ],
  examples: [
    { line: 'holdfast key export > recovery.txt', does: 'to be printed; still needs the passphrase or an identity' },
    { line: 'holdfast key export --reveal | lpr', does: 'for a safe' },
  ],
  run: async (context, input) => {
    const { house, source } = await pickSource(context, input);
    const { exportSheet } = await import('../export-keys.ts');
    const { sheet, keys } = await exportSheet(context, { house, source, reveal: input.flag('reveal') });
    if (context.json) return printJson(context.io, { source: source.name, keys, sheet });
    context.io.stdout.write(sheet);
  },
};

export const key: Command = {
  name: 'key',
  summary: 'the keys of encrypted backups',
  group: 'care',
  commands: [create, list, rotate, change, exportKeys],
  examples: [{ line: 'holdfast key list', does: 'which there are, and who can open them' }],
};

interface EncryptedSource {
  house: House;
  source: Source;
  task: {
    source: Source;
    catalog: House['catalog'];
    clock: House['clock'];
    signal: AbortSignal;
    report: ReturnType<typeof showProgress>['report'];
  };
}

/** A named one that is not encrypted is told when its turn comes; of all, only those that are. */
async function encryptedSources(context: CommandContext, input: CommandInput): Promise<EncryptedSource[]> {
  const { house, sources } = await pickSources(context, input);
  const { notEncrypted } = await import('../../archive/keys/keys.ts');
  const encrypted = sources.filter(({ keys }) => keys.wanted !== null);
  if (encrypted.length === 0) throw notEncrypted(sources.map(({ name }) => name).join(', '));
  const { catalog, clock } = house;
  const report = () => undefined;
  return encrypted.map((source) => ({
    house,
    source,
    task: { source, catalog, clock, signal: context.signal, report },
  }));
}

async function renderKeys({ io }: CommandContext, keys: readonly ListedKey[]): Promise<string[]> {
  const style = styleFor(io.color);
  const yes = (flag: boolean) => (flag ? 'yes' : '');
  return renderTable(
    io,
    [
      { title: 'SOURCE' },
      { title: 'KEY' },
      { title: 'STORAGE' },
      { title: 'PASSPHRASE' },
      { title: 'RECIPIENTS' },
      { title: 'PUBLIC KEY', shrinksTo: 16 },
    ],
    keys.map(({ source, file, storage, passphrase, recipients, recipient, current }) => [
      source,
      current ? { text: `${file} (current)`, paint: style.good } : file,
      storage,
      yes(passphrase),
      yes(recipients),
      recipient ?? '',
    ]),
  );
}
