import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, stat, statfs } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { throwIfAborted } from '../../base/abort.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Report } from '../../base/progress.ts';
import { formatBytes } from '../../base/units.ts';
import type { Nbdata, NbdataMember, NbdataPart } from './nbdata.ts';

interface How {
  signal: AbortSignal;
  report: Report;
}

export interface MemberCheck {
  path: string;
  ok: boolean;
  detail: string;
}

/** Reads every member to its end and never stops at the first that is damaged. */
export async function verifyNbdata({ members }: Nbdata, { signal, report }: How): Promise<MemberCheck[]> {
  const checks: MemberCheck[] = [];
  const tell = teller(members, 'checksum', report);
  for (const member of members) {
    throwIfAborted(signal);
    const { path, bytes, problem } = member;
    if (problem !== null) {
      checks.push({ path, ok: false, detail: problem });
      continue;
    }
    try {
      await pipeline(await member.open(signal), new Writable({ write: (_chunk, _encoding, next) => next() }));
      checks.push({ path, ok: true, detail: formatBytes(bytes) });
    } catch (error) {
      throwIfAborted(signal);
      checks.push({ path, ok: false, detail: toHoldfastError(error).message });
    }
    tell(member);
  }
  return checks;
}

/** Unpacks parts into a new folder, which is there only when all of them are. */
export async function extractNbdata(
  nbdata: Nbdata,
  { to, parts, signal, report }: How & { to: string; parts: readonly NbdataPart[] },
): Promise<{ files: number; bytes: number }> {
  const wanted = nbdata.members.filter(({ part }) => parts.includes(part));
  refuseHostile(wanted);
  if ((await stat(to).catch(() => null)) !== null) {
    throw new HoldfastError('FOLDER_EXISTS', `${to} exists already and is not written into`, {
      kind: 'refused',
      hint: 'Name a new folder with --to.',
    });
  }
  const bytes = wanted.reduce((sum, member) => sum + member.bytes, 0);
  await mkdir(dirname(to), { recursive: true });
  await refuseWithoutSpace(dirname(to), bytes);
  const partial = await mkdtemp(join(dirname(to), `.${basename(to)}-`));
  try {
    const tell = teller(wanted, 'extract', report);
    for (const member of wanted) {
      const target = join(partial, member.path);
      await mkdir(dirname(target), { recursive: true, mode: 0o700 });
      await pipeline(await member.open(signal), createWriteStream(target, { flags: 'wx', mode: 0o600 }));
      tell(member);
    }
    await rename(partial, to);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  return { files: wanted.length, bytes };
}

export function refuseHostile(members: readonly NbdataMember[]): void {
  const bad = members.filter(({ problem }) => problem !== null);
  const [first] = bad;
  if (!first) return;
  throw new HoldfastError(
    'NBDATA_HOSTILE',
    `${bad.length === 1 ? 'a member' : `${bad.length} members`} must not be unpacked: ${JSON.stringify(first.path.slice(0, 200))}: ${first.problem}`,
    {
      kind: 'integrity',
      hint: 'Take out only the parts you need with --part, if you trust where the file comes from.',
    },
  );
}

async function refuseWithoutSpace(folder: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= bytes) return;
  throw new HoldfastError(
    'DISK_FULL',
    `${folder} has ${formatBytes(bavail * bsize)} left, and ${formatBytes(bytes)} are needed`,
    { hint: 'Free some space, or name another folder with --to.' },
  );
}

function teller(members: readonly NbdataMember[], step: string, report: Report): (member: NbdataMember) => void {
  const total = members.reduce((sum, member) => sum + member.bytes, 0);
  let bytes = 0;
  return (member) => {
    bytes += member.bytes;
    report({ kind: 'progress', step, part: member.path, bytes, total });
  };
}
