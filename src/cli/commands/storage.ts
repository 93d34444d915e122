import { HoldfastError } from '../../base/errors.ts';
import type { Check } from '../../engines/engine.ts';
import type { House } from '../../house.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { renderTable } from '../output/table.ts';
import { printable } from '../output/text.ts';

const name = {
  name: 'name',
  summary: 'which storage, where there are several',
  optional: true,
  complete: 'storage',
} as const;

const list: Command = {
  name: 'list',
  summary: 'the storages that are configured, and which sources use them',
  examples: [{ line: 'holdfast storage list', does: 'names, kinds and places' }],
  run: async (context) => {
    const house = await context.house();
    const rows = house.storages.map((storage) => ({
      name: storage.name,
      type: house.loaded.config.storages[storage.name]?.type ?? null,
      title: storage.title,
      sources: house.sources.filter(({ storages }) => storages.includes(storage)).map((source) => source.name),
    }));
    if (context.json) return printJson(context.io, rows);
    const columns = [{ title: 'NAME' }, { title: 'TYPE' }, { title: 'PLACE' }, { title: 'SOURCES', shrinksTo: 10 }];
    const cells = rows.map((row) => [row.name, row.type ?? '', row.title, row.sources.join(', ')]);
    print(context.io, ...(await renderTable(context.io, columns, cells)));
  },
};

const check: Command = {
  name: 'check',
  summary: 'write, read, list and delete a probe',
  arguments: [name],
  examples: [{ line: 'holdfast storage check offsite', does: 'whether its rights do for backups' }],
  run: async (context, input) => {
    const { house, storage } = await pickStorage(context, input);
    const { examineStorage } = await import('../../care/doctor/examine-storage.ts');
    const checks = await examineStorage(storage, house.clock, context.signal);
    const ok = checks.every(({ result }) => result !== 'failed');
    if (context.json)
      printJson(context.io, {
        storage: storage.name,
        ok,
        checks: checks.map((each) => ({ ...each, hint: each.hint ?? null })),
      });
    else print(context.io, ...describeChecks(context, checks));
    return ok ? 'done' : 'failed';
  },
};

const create: Command = {
  name: 'create',
  summary: 'create the bucket or folder of a storage, private; fine when it is there',
  arguments: [name],
  examples: [{ line: 'holdfast storage create offsite', does: 'before the first backup, with the rights to do so' }],
  help: `For S3, with keys that may create a bucket: backups themselves need less (see holdfast storage policy). With objectLock in
the configuration, the bucket gets it. With rclone, the bucket or folder that remote names. Kinds whose folders are made by
the first write get a probe, which is removed again.`,
  run: async (context, input) => {
    const { house, storage } = await pickStorage(context, input);
    const made = storage.setup
      ? await storage.setup.create(context.signal)
      : await createByProbe(storage, house, context.signal);
    const { created, warnings } = made;
    if (context.json) return printJson(context.io, { storage: storage.name, title: storage.title, created, warnings });
    print(context.io, `${storage.title} ${created === false ? 'is there already' : 'is ready'}`);
    for (const warning of warnings)
      context.io.screen.line(`${styleFor(context.io.errorColor).warn('!')} ${printable(warning)}`);
  },
};

const policy: Command = {
  name: 'policy',
  summary: 'print the least rights that a user of an S3 bucket needs, as JSON',
  arguments: [name],
  options: [
    { name: 'principal', value: 'arn', summary: 'print it as a policy of the bucket, for this user' },
    { name: 'versions', summary: 'also to remove old versions for good, in a versioned bucket' },
  ],
  examples: [
    { line: 'holdfast storage policy offsite > policy.json', does: 'for the user whose keys backups have' },
    {
      line: 'holdfast storage policy offsite --principal arn:aws:iam::123456789012:user/backup',
      does: 'for the bucket',
    },
  ],
  help: `Enough for backup, list, verify, restore and prune in this bucket and below this prefix; other buckets stay closed, and so
do other prefixes but for their names. Creating the bucket is not in it.`,
  run: async (context, input) => {
    const { storage } = await pickStorage(context, input);
    const options = { principal: input.text('principal') ?? null, versions: input.flag('versions') };
    const rights = storage.setup?.policy(options) ?? null;
    if (rights !== null) return printJson(context.io, rights);
    throw new HoldfastError('STORAGE_NO_POLICY', `${storage.title} has no policies`, {
      kind: 'usage',
      hint: 'Only storages of type s3 have. For a folder, its owner and mode say who may use it.',
    });
  },
};

export const storage: Command = {
  name: 'storage',
  summary: 'create storages, try them, print the rights they need',
  group: 'care',
  commands: [list, check, create, policy],
  examples: [{ line: 'holdfast storage list', does: 'which there are' }],
};

/** Not known is whether it was there: the folders of these kinds come with the first write. */
async function createByProbe(
  target: Storage,
  house: House,
  signal: AbortSignal,
): Promise<{ created: null; warnings: string[] }> {
  const { examineStorage } = await import('../../care/doctor/examine-storage.ts');
  const checks = await examineStorage(target, house.clock, signal);
  const failed = checks.find(({ result }) => result === 'failed');
  if (!failed) return { created: null, warnings: [] };
  throw new HoldfastError('STORAGE_NOT_CREATED', `${target.title}: ${failed.name}: ${failed.detail}`, {
    hint: failed.hint ?? 'See that the storage can be reached and written to.',
  });
}

async function pickStorage(context: CommandContext, input: CommandInput): Promise<{ house: House; storage: Storage }> {
  const house = await context.house();
  const wanted = input.text('name') ?? context.storage;
  const names = house.storages.map((each) => each.name).join(', ');
  if (wanted === undefined && house.storages.length > 1) {
    throw new HoldfastError('STORAGE_NEEDED', 'there are several storages', {
      kind: 'usage',
      hint: `Say which one: ${names}.`,
    });
  }
  const picked = house.storages.find((each) => wanted === undefined || each.name === wanted);
  if (picked) return { house, storage: picked };
  throw new HoldfastError('STORAGE_UNKNOWN', `there is no storage named "${wanted ?? ''}"`, {
    kind: 'usage',
    hint: `There are: ${names}.`,
  });
}

function describeChecks({ io }: CommandContext, checks: readonly Check[]): string[] {
  const style = styleFor(io.color);
  const signs = { ok: 'good', warning: 'warn', failed: 'bad' } as const;
  return checks.flatMap(({ name: what, result, detail, hint }) => [
    `${sign(style, signs[result])} ${what}  ${printable(detail)}`,
    ...(hint === undefined || result === 'ok' ? [] : [`  ${printable(hint)}`]),
  ]);
}
