import type { VerifyDepth, VerifyResult } from '../../care/verify.ts';
import type { Command, CommandContext, CommandInput } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { describeVerification } from '../output/verification.ts';
import { pickBackup, pickSources, type PickedBackup } from '../pick.ts';
import { wrongUsage } from '../usage-error.ts';

export const verify: Command = {
  name: 'verify',
  summary: 'read a stored backup and check every byte',
  group: 'prove',
  arguments: [{ name: 'id', summary: 'id, unique prefix or `latest` (default)', optional: true, complete: 'backup' }],
  options: [
    {
      name: 'depth',
      value: 'depth',
      choices: ['checksum', 'structure'],
      summary: 'checksum: the stored bytes; structure (default): also read the dump to its end',
    },
    { name: 'all', summary: 'every backup of the source, or of all sources' },
  ],
  examples: [
    { line: 'holdfast verify', does: 'the newest backup' },
    { line: 'holdfast verify 2026-11-20 --depth checksum', does: 'the bytes only, by a prefix of the id' },
    { line: 'holdfast verify --all --storage offsite', does: 'everything in one storage' },
  ],
  help: `Ends with exit code 6 when anything is damaged. Only a drill proves that a backup can be restored.`,
  run: async (context, input) => {
    const depth = input.text('depth') === 'checksum' ? 'checksum' : 'structure';
    const targets = input.flag('all') ? await everyBackup(context, input) : [await pickBackup(context, input)];
    const results: VerifyResult[] = [];
    for (const target of targets) results.push(await verifyOne(context, target, depth));
    if (context.json) printJson(context.io, input.flag('all') ? results : results[0]);
    else print(context.io, ...results.flatMap((result) => describeVerification(context.io, result)));
    return results.every(({ ok }) => ok) ? 'done' : 'integrity';
  },
};

async function verifyOne(context: CommandContext, target: Target, depth: VerifyDepth): Promise<VerifyResult> {
  const { house, source, storage, id } = target;
  const { verify: verifyBackup } = await import('../../care/verify.ts');
  using progress = showProgress(context);
  return await verifyBackup({
    source,
    storage,
    id,
    depth,
    catalog: house.catalog,
    clock: house.clock,
    scratch: house.scratch,
    signal: context.signal,
    report: progress.report,
  });
}

type Target = Omit<PickedBackup, 'row' | 'others'>;

/** Every copy of every backup, oldest first; of one storage when it is named. */
async function everyBackup(context: CommandContext, input: CommandInput): Promise<Target[]> {
  if (input.text('id') !== undefined) throw wrongUsage('--all takes no id', 'Leave out the id, or --all.');
  const { house, sources } = await pickSources(context, input);
  const { takeInventory } = await import('../../care/inventory.ts');
  const { catalog } = house;
  const { signal } = context;
  const targets: Target[] = [];
  for (const source of sources) {
    const storages = context.storage === undefined ? source.storages : [house.storageOf(source, context.storage)];
    for (const storage of storages) {
      const rows = await takeInventory({ storage, source: source.name, catalog, signal });
      targets.push(...rows.map(({ id }) => ({ house, source, storage, id })));
    }
  }
  return targets;
}
