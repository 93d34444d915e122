import { rm } from 'node:fs/promises';
import { HoldfastError } from '../../../base/errors.ts';
import { makeScratchFolder } from '../../../base/scratch.ts';
import type { AppContext, AppPart, Around, Saving } from '../../app.ts';
import type { Base, Instance } from '../instance.ts';
import { isRehearsal } from '../rehearsal-title.ts';
import { uniqueNames } from '../names.ts';
import type { NocodbSettings } from '../options.ts';
import { saveBase } from './base.ts';
import type { BaseFile } from '../tree-format.ts';
import { unseenBases } from './unseen-bases.ts';

const mostWarnings = 1000;

/** Looks whether the token opens what is wanted; after that, everything is read while it is stored. */
export async function openSaving(
  instance: Instance,
  settings: NocodbSettings,
  { around, context }: { around: Around; context: AppContext },
  signal: AbortSignal,
): Promise<Saving> {
  const person = await instance.person(signal);
  const version = await instance.version(signal);
  const all = await instance.bases(signal);
  const bases = wanted(all, settings.bases).filter((base) => settings.bases.length > 0 || !isRehearsal(base));
  const { title } = instance.client;
  if (bases.length === 0 && !person.superAdmin) {
    throw new HoldfastError('NOCODB_NO_BASES', `${title} shows no base to the token's user`, {
      hint: 'Use the token of a user who is a member of the bases, or of the super admin.',
    });
  }
  const warnings = new Set<string>();
  if (bases.length === 0) warnings.add(`${title} has no base: nothing was saved of it`);
  for (const name of settings.bases.length > 0 ? [] : await unseenBases(around.database, all, signal))
    warnings.add(`base ${name} is not shown to the token's user: it is in the dump of the database only`);

  for (const base of settings.bases.length > 0 ? [] : all.filter(isRehearsal))
    warnings.add(`base ${base.title} is that of a drill, and is not saved`);

  const scratch = await makeScratchFolder(context.scratch, 'nocodb-');
  const files: (BaseFile & { folder: string })[] = [];
  const options = {
    records: settings.records,
    attachments: settings.attachments,
    pageSize: settings.pageSize,
    concurrency: settings.concurrency,
    secrets: around.encrypted,
  };
  const savedAt = context.clock.now().toISOString();
  const server = { url: settings.url, version };
  const folderOf = uniqueNames();
  return {
    parts: async function* parts(stop): AsyncGenerator<AppPart> {
      for (const { id, title: named } of bases) {
        const base = { id, title: named, folder: folderOf(named), named: settings.bases.length > 0 };
        const task = { base, options, instance, server, savedAt, scratch, warnings };
        const file = yield* saveBase(task, stop);
        if (file === null) warnings.add(`base ${named} was removed before it was read: it is not in this backup`);
        else files.push({ ...file, folder: base.folder });
      }
    },
    get warnings() {
      const shown = [...warnings];
      const more = shown.length - mostWarnings;
      return more <= 0 ? shown : [...shown.slice(0, mostWarnings), `and ${more} more`];
    },
    facts: () => factsOf(settings.url, version, files),
    [Symbol.asyncDispose]: async () => {
      await rm(scratch, { recursive: true, force: true });
      instance.client[Symbol.dispose]();
    },
  };
}

/** By title or id; what was asked for and is not there is an error, all of it at once. */
function wanted(all: readonly Base[], names: readonly string[]): readonly Base[] {
  if (names.length === 0) return all;
  const missing = names.filter((name) => !all.some(({ id, title }) => id === name || title === name));
  if (missing.length === 0) return all.filter(({ id, title }) => names.includes(id) || names.includes(title));
  throw new HoldfastError('NOCODB_BASE_MISSING', `NocoDB shows no base named ${missing.join(', ')}`, {
    hint: `Correct bases of the app, or invite the token's user. It shows: ${all.map(({ title }) => title).join(', ') || 'none'}.`,
  });
}

function factsOf(url: string, version: string | null, files: readonly (BaseFile & { folder: string })[]) {
  const tables = files.flatMap((file) => file.tables);
  const sum = (of: (table: (typeof tables)[number]) => number) => tables.reduce((total, table) => total + of(table), 0);
  return {
    kind: 'nocodb',
    version,
    url,
    bases: files.map((file) => ({
      id: file.base.id,
      title: file.base.title,
      folder: file.folder,
      tables: file.tables.map(({ id, title, folder, records, attachments, changed, failed }) => {
        const parts = { files: attachments.files, bytes: attachments.bytes };
        return { id, title, folder, records, attachments: parts, changed: changed.length > 0, failed: failed.length };
      }),
      links: file.links.reduce((total, { pairs }) => total + pairs, 0),
    })),
    totals: {
      bases: files.length,
      tables: tables.length,
      records: sum(({ records }) => records ?? 0),
      links: files.flatMap((file) => file.links).reduce((total, { pairs }) => total + pairs, 0),
      attachments: sum(({ attachments }) => attachments.files),
      attachmentBytes: sum(({ attachments }) => attachments.bytes),
      views: sum(({ views }) => views),
      comments: sum(({ comments }) => comments ?? 0),
      failed: sum(({ failed }) => failed.length),
    },
  };
}
