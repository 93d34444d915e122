import { isOfOneFile } from '../../archive/format/unreadable.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { VerifyDepth, VerifyResult } from '../../care/proof/verify.ts';
import type { Command, CommandContext, CommandInput, Ending } from '../command.ts';
import { print, printJson } from '../output/print.ts';
import { showProgress } from '../output/progress.ts';
import { sayUnreachable } from '../output/unreachable.ts';
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
  help: `Ends with exit code 6 when anything is damaged. Only a drill proves that a backup can be restored. With --all, a storage in
trouble does not keep the others from being read; it ends with exit code 1 then.`,
  run: async (context, input) => {
    const depth = input.text('depth') === 'checksum' ? 'checksum' : 'structure';
    if (input.flag('all')) return await verifyAll(context, input, depth);
    const result = await verifyOne(context, await pickBackup(context, input), depth);
    if (context.json) printJson(context.io, result);
    else print(context.io, ...describeVerification(context.io, result));
    return result.ok ? 'done' : 'integrity';
  },
};

/** A storage that failed once is left alone: waiting for it anew with each of its backups would take for ever. */
async function verifyAll(context: CommandContext, input: CommandInput, depth: VerifyDepth): Promise<Ending> {
  const { targets, unreachable } = await everyBackup(context, input);
  const results: VerifyResult[] = [];
  let unread: { error: unknown } | undefined;
  for (const target of targets) {
    const { name } = target.storage;
    if (unreachable.some(({ storage }) => storage === name)) continue;
    try {
      results.push(await verifyOne(context, target, depth));
    } catch (error) {
      throwIfAborted(context.signal);
      const { kind, code, message } = toHoldfastError(error);
      const isOfStorage = code.startsWith('STORAGE_') || code === 'NO_PERMISSION';
      const isAboutOne =
        ['KEY_MISSING', 'KEY_DAMAGED', 'MANIFEST_NEWER'].includes(code) || (isOfStorage && isOfOneFile(error));
      if (code.startsWith('STORAGE_') && !isAboutOne) unreachable.push({ storage: name, error });
      else if (kind === 'busy') context.io.screen.line(`${target.id} in ${name} was not read: ${message}`);
      else if (isAboutOne) {
        // It says nothing of the others.
        context.io.screen.line(`${target.id} in ${name} was not read: ${message}`);
        unread ??= { error };
      } else throw error;
    }
  }
  if (context.json) printJson(context.io, results);
  else print(context.io, ...results.flatMap((result) => describeVerification(context.io, result)));
  sayUnreachable(context.io, unreachable, 'not everything in it was verified');
  if (results.some(({ ok }) => !ok)) return 'integrity';
  if (unread) throw unread.error;
  return unreachable.length > 0 ? 'failed' : 'done';
}

async function verifyOne(context: CommandContext, target: Target, depth: VerifyDepth): Promise<VerifyResult> {
  const { house, source, storage, id } = target;
  const { verify: verifyBackup } = await import('../../care/proof/verify.ts');
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

type Target = Pick<PickedBackup, 'house' | 'source' | 'storage' | 'id'>;

/** Every copy of every backup, oldest first; of one storage when it is named. */
async function everyBackup(
  context: CommandContext,
  input: CommandInput,
): Promise<{ targets: Target[]; unreachable: { storage: string; error: unknown }[] }> {
  if (input.text('id') !== undefined) throw wrongUsage('--all takes no id', 'Leave out the id, or --all.');
  const { house, sources } = await pickSources(context, input);
  const { takeInventory } = await import('../../care/stock/inventory.ts');
  const { catalog } = house;
  const { signal } = context;
  const targets: Target[] = [];
  const unreachable: { storage: string; error: unknown }[] = [];
  for (const source of sources) {
    const storages = context.storage === undefined ? source.storages : [house.storageOf(source, context.storage)];
    for (const storage of storages) {
      if (unreachable.some(({ storage: down }) => down === storage.name)) continue;
      try {
        const rows = await takeInventory({ storage, source: source.name, catalog, signal });
        targets.push(...rows.map(({ id }) => ({ house, source, storage, id })));
      } catch (error) {
        throwIfAborted(signal);
        unreachable.push({ storage: storage.name, error });
      }
    }
  }
  return { targets, unreachable };
}
