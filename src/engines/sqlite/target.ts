import { access as mayAccess, constants, readdir, stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { userName } from '../../base/user-name.ts';
import type { DatabaseFacts, Refusal, ServerFacts, TargetFacts } from '../engine.ts';
import type { Access } from './access.ts';
import { factsOfUnreadable, readFacts } from './facts.ts';
import { usersOf } from './users.ts';

export async function probe(access: Access, signal: AbortSignal): Promise<DatabaseFacts> {
  await using session = await access.open('read', signal);
  return await readFacts(access, session, signal);
}

/** There is no server: its part is taken by the folder, in which files are made and renamed. */
export async function serverFacts(access: Access, signal: AbortSignal): Promise<ServerFacts> {
  const path = await access.locate();
  const folder = dirname(path);
  const names = await filesIn(folder);
  const role = userName();
  signal.throwIfAborted();
  return {
    version: process.versions['sqlite'] ?? '',
    role,
    superuser: process.getuid?.() === 0,
    mayNotCreate: await refusal(folder, constants.W_OK | constants.X_OK),
    mayNotChange: names.includes(basename(path)) ? await refusal(path, constants.W_OK) : null,
    // Nothing in a file runs when it is copied.
    reaches: [],
    // A database in a file belongs to nobody.
    memberOf: ['', role],
    roles: [role],
    extensions: [],
    databases: names,
  };
}

async function refusal(path: string, mode: number): Promise<Refusal | null> {
  try {
    await mayAccess(path, mode);
    return null;
  } catch {
    const reason = `${userName()} may not write to ${path}`;
    return {
      reason,
      hint: 'Give the user that runs holdfast the right to write there, or mount the disk for writing.',
    };
  }
}

/** Null when there is no such file. Of one that is damaged, what can be known without reading it: that is when a restore is needed most. */
export async function targetFacts(access: Access, signal: AbortSignal): Promise<TargetFacts | null> {
  const path = await access.locate();
  try {
    await using session = await access.open('read', signal);
    const { relations } = await session.ask('facts', {}, signal);
    const facts = await readFacts(access, session, signal);
    await session[Symbol.asyncDispose]();
    return { facts, sessions: await sessionsOf(path), relations };
  } catch (error) {
    const { code } = toHoldfastError(error);
    if (code === 'DATABASE_MISSING') return null;
    const ordinary = await stat(path).then(
      (found) => found.isFile(),
      () => false,
    );
    if (!ordinary || (code !== 'DATABASE_DAMAGED' && code !== 'DATABASE_NOT_SQLITE')) throw error;
    // Whatever is in it, it is not empty: nothing may be filled into it.
    return { facts: await factsOfUnreadable(access, path), sessions: await sessionsOf(path), relations: 1 };
  }
}

/** `server`: the folder is there. */
export async function ready(access: Access, what: 'server' | 'database', signal: AbortSignal): Promise<void> {
  if (what === 'database') {
    await using _ = await access.open('read', signal);
    return;
  }
  await filesIn(dirname(await access.locate()));
}

async function sessionsOf(path: string): Promise<TargetFacts['sessions']> {
  const users = await usersOf(path);
  // A swap looks at everybody.
  const others = users.filter(({ ours }) => !ours);
  return others.map(({ pid, program }) => {
    return { pid, role: program, application: program, address: 'this machine', mayEnd: false };
  });
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isFile() || entry.isSymbolicLink()).map(({ name }) => name);
  } catch (error) {
    throw new HoldfastError('DATABASE_UNREACHABLE', `the folder ${folder} cannot be read`, {
      cause: error,
      retryable: true,
      hint: 'Check database.path, and that the volume is mounted.',
    });
  }
}
