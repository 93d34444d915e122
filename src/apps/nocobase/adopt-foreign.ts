import { createWriteStream } from 'node:fs';
import { chown, mkdir, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError } from '../../base/errors.ts';
import { makeScratchFolder } from '../../base/scratch.ts';
import { formatBytes } from '../../base/units.ts';
import type { AppContext, ForeignApp, Saving } from '../app.ts';
import { readEnvironment } from './env-file.ts';
import { readFacts, type NocobaseFacts } from './facts.ts';
import { filesApp } from './inner-files.ts';
import { fingerprintOfAesKey, type KeyFile } from './key-files.ts';
import { keysAsPart } from './keys-tar.ts';
import type { NocobaseSettings } from './options.ts';
import { isWithin, placesOf } from './places.ts';
import { listOf, recordOf } from './sql.ts';

type Member = ForeignApp['members'][number];

interface Adoption {
  encrypted: boolean;
  context: AppContext;
  signal: AbortSignal;
}

const uploads = 'uploads';
const largestKey = 1024 * 1024;

/**
 * A `.nbdata` of NocoBase's own backup manager: its uploads become a tree and its key a saved key, so that they come back as those of
 * any backup do. The format knows no owners: the files are given to whom the application's storage folder belongs.
 */
export async function adoptForeign(
  settings: NocobaseSettings,
  foreign: ForeignApp,
  { encrypted, context, signal }: Adoption,
): Promise<Saving> {
  await using cleanup = new AsyncDisposableStack();
  const folder = await makeScratchFolder(context.scratch, 'nbdata-');
  cleanup.defer(() => rm(folder, { recursive: true, force: true }));

  const files = foreign.members.filter(({ path }) => path.startsWith(`${uploads}/`));
  await refuseWithoutSpace(folder, files);
  const owner = await ownerHere(settings);
  for (const member of files) await layDown(member, { folder, owner, signal });
  const keys = await readKeys(foreign.members, owner, signal);
  const trees = files.length > 0 ? [{ name: uploads, of: { documentRoot: 'storage/uploads' } }] : [];
  const inner = filesApp(files.length > 0 ? [{ name: uploads, path: join(folder, uploads) }] : [], context);
  const saving = cleanup.use(await inner.open({ encrypted, database: null }, signal));

  const said = readFacts(foreign.facts);
  const facts: NocobaseFacts = {
    ...said,
    trees,
    keys: keys.length === 0 ? 'none' : encrypted ? 'saved' : 'left out',
    aesKey: fingerprintOfAesKey(keys, { values: new Map() }, null),
    needsKeys: null,
  };
  const warnings = [
    'a .nbdata carries no authentication, encrypted or not: whoever could write it could have changed it, and its checksums only find accidents',
    'it holds only the files below storage/uploads that had a record: what else the application stored was left out when it was made',
    ...(said.dialect === 'mysql' || said.dialect === 'mariadb'
      ? ['NocoBase changes texts that end in a backslash when it saves MySQL or MariaDB: look at those after a restore']
      : []),
    ...(keys.length > 0 && !encrypted
      ? [
          'its aes_key.dat is not taken in, because this backup is not encrypted: keep the file, or take the key out of it',
        ]
      : []),
  ];
  const kept = cleanup.move();
  return {
    warnings,
    parts: async function* parts(until) {
      yield* saving.parts(until);
      if (encrypted && keys.length > 0) yield keysAsPart(keys);
      warnings.push(...saving.warnings);
    },
    facts: () => ({ ...facts, files: withoutScratch(saving.facts()) }),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function layDown(
  member: Member,
  { folder, owner, signal }: { folder: string; owner: { uid: number; gid: number } | null; signal: AbortSignal },
): Promise<void> {
  throwIfAborted(signal);
  const target = join(folder, member.path);
  if (
    !isWithin(join(folder, uploads), dirname(target)) ||
    member.path.split('/').some((part) => /^\.{0,2}$/.test(part))
  ) {
    throw new HoldfastError('NBDATA_HOSTILE', `a member leads out of its folder: ${JSON.stringify(member.path)}`, {
      kind: 'integrity',
      hint: 'Do not use this file.',
    });
  }
  await mkdir(dirname(target), { recursive: true, mode: 0o755 });
  await pipeline(await member.open(signal), createWriteStream(target, { flags: 'wx', mode: 0o644 }), { signal });
  if (owner === null) return;
  for (let at = target; at !== folder; at = dirname(at)) await chown(at, owner.uid, owner.gid);
}

/** `aes_key.dat`, and the folder of keys for encrypted fields that newer versions add. */
async function readKeys(
  members: readonly Member[],
  owner: { uid: number; gid: number } | null,
  signal: AbortSignal,
): Promise<KeyFile[]> {
  const keys: KeyFile[] = [];
  for (const member of members) {
    const { path, bytes } = member;
    const known = path === 'aes_key.dat' || (path.endsWith('.key') && !path.startsWith(`${uploads}/`));
    if (!known || bytes > largestKey || path.split('/').some((part) => /^\.{0,2}$/.test(part))) continue;
    const content = await buffer(await member.open(signal));
    keys.push({ name: `apps/main/${path}`, path: basename(path), content, uid: owner?.uid ?? 0, gid: owner?.gid ?? 0 });
  }
  return keys;
}

/** Null: only root can give files away, and somebody else's stay his own. */
async function ownerHere(settings: NocobaseSettings): Promise<{ uid: number; gid: number } | null> {
  if (process.getuid?.() !== 0) return null;
  const { storage } = placesOf(settings, await readEnvironment(settings));
  return stat(storage).then(
    ({ uid, gid }) => ({ uid, gid }),
    () => null,
  );
}

async function refuseWithoutSpace(folder: string, files: readonly Member[]): Promise<void> {
  const bytes = files.reduce((sum, member) => sum + member.bytes, 0);
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new HoldfastError(
    'DISK_FULL',
    `${folder} has ${formatBytes(bavail * bsize)} left, and ${formatBytes(bytes)} are needed`,
    { hint: 'Free some space there, or set TMPDIR to a folder on another disk.' },
  );
}

/** Where the files lay for a moment means nothing to whoever reads the manifest. */
function withoutScratch(facts: Record<string, unknown>): Record<string, unknown> {
  return { ...facts, trees: listOf(facts['trees']).map((tree) => ({ ...recordOf(tree), path: 'storage/uploads' })) };
}
