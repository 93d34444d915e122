import { access as mayAccess, constants } from 'node:fs/promises';
import { dirname } from 'node:path';
import { formatBytes } from '../../base/units.ts';
import type { Check } from '../engine.ts';
import { failed, guarded } from '../shared/checks.ts';
import type { Access } from './access.ts';
import { refuseHalfSwapped } from './half-swap.ts';
import type { FileFacts } from './process/facts.ts';
import { freeBytes } from './room.ts';
import { usersOf } from './users.ts';

/** What `doctor` wants to know: can this file be saved, and can a backup be put in its place. Never rejects but when interrupted. */
export async function checkDatabase(access: Access, signal: AbortSignal): Promise<Check[]> {
  const checks: Check[] = [];
  try {
    const path = await access.locate();
    const users = (await usersOf(path)).filter(({ ours }) => !ours);
    await using session = await access.open('read', signal);
    const facts = await session.ask('facts', {}, signal);
    const bytes = facts.pageCount * facts.pageSize;
    const detail = `${access.path}: SQLite ${facts.version}, ${formatBytes(bytes)}, journal mode ${facts.journalMode}`;
    checks.push({ name: 'connection', result: 'ok', detail });
    checks.push(...(await guarded('unfinished swap', signal, () => halfSwapChecks(access))));
    checks.push(await folderCheck(dirname(path), bytes));
    if (facts.journalMode !== 'wal') checks.push(await copyCheck(access, bytes));
    if (!safeModes.has(facts.journalMode)) checks.push(unsafeMode(facts));
    if (users.length > 0) {
      const names = users.map(({ pid, program }) => `${program} (process ${pid})`).join(', ');
      checks.push({ name: 'in use', result: 'ok', detail: `by ${names}; must be stopped before a restore` });
    }
    return checks;
  } catch (error) {
    if (signal.aborted) throw error;
    return [...checks, failed('connection', error)];
  }
}

/** Only what is wrong is worth a line. */
async function halfSwapChecks(access: Access): Promise<Check[]> {
  await refuseHalfSwapped(access);
  return [];
}

const safeModes = new Set(['wal', 'delete', 'truncate', 'persist']);

function unsafeMode({ journalMode }: FileFacts): Check {
  return {
    name: 'journal',
    result: 'warning',
    detail: `with journal mode ${journalMode} a crash of the application can damage the database`,
    hint: 'Let the application use WAL or DELETE.',
  };
}

/** A restore lays the new file beside the old one, so that it can be renamed. */
async function folderCheck(folder: string, bytes: number): Promise<Check> {
  try {
    await mayAccess(folder, constants.W_OK | constants.X_OK);
  } catch {
    return {
      name: 'folder',
      result: 'warning',
      detail: `nothing can be made in ${folder}: restores and drills beside the original are not possible`,
      hint: 'Give the user that runs holdfast the right to write there, or use temporary drills.',
    };
  }
  const free = await freeBytes(folder);
  if (free >= bytes) return { name: 'folder', result: 'ok', detail: `${folder}, ${formatBytes(free)} free` };
  return {
    name: 'folder',
    result: 'warning',
    detail: `${formatBytes(free)} free in ${folder}: a restore needs ${formatBytes(bytes)} beside the original`,
    hint: 'Free some space there.',
  };
}

async function copyCheck(access: Access, bytes: number): Promise<Check> {
  await using folder = await access.folder();
  const free = await freeBytes(folder.path);
  if (free >= bytes)
    return { name: 'copy', result: 'ok', detail: `${formatBytes(free)} free for the copy of a backup` };
  return {
    name: 'copy',
    result: 'failed',
    detail: `${formatBytes(free)} free in ${dirname(folder.path)}, and each backup needs room for a copy of ${formatBytes(bytes)}`,
    hint: 'Free some space there, set TMPDIR to a folder with more, or let the application use WAL.',
  };
}
