import { createHash } from 'node:crypto';
import { access, constants, readFile, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import { readDocument } from '../../config/document.ts';
import { effectiveSettings, effectiveTree } from '../../config/effective.ts';
import { withEnvFile } from '../../config/env-file.ts';
import { loadConfig, type LoadedConfig } from '../../config/load.ts';
import { formatPath } from '../../config/path.ts';
import { saveConfig } from '../../config/save.ts';
import type { ResponseOf, Routes } from '../contract.ts';
import type { Handlers } from '../register.ts';
import { editablePaths, readChanges } from '../settings/changes.ts';
import type { ApiParts } from './parts.ts';

type View = ResponseOf<Routes['settings']>;

/** The configuration file, as far as it may be seen and changed from afar. */
export function settingsHandlers(parts: ApiParts): Pick<Handlers, 'settings' | 'changeSettings'> {
  const { house, reloading } = parts;
  const { env, cwd } = reloading;
  let turn: Promise<unknown> = Promise.resolve();
  const change = async (sent: Parameters<typeof readChanges>[0], revision: string | undefined): Promise<View> => {
    const { file } = house.loaded;
    const reason = await whyReadOnly(file);
    if (file === null || reason !== null) throw readOnly(reason ?? '');
    const text = await readFile(file, 'utf8');
    if (revision !== undefined && revision !== revisionOf(text)) throw changedMeanwhile();
    const known = await withEnvFile(env, cwd);
    const { state } = house.loaded.config;
    const changes = readChanges(sent, readDocument(text).tree);
    await saveConfig(changes, { file, state, env: known.env, now: house.clock.now() });
    if (changes.length > 0) reloading.ask();
    return view(parts);
  };
  return {
    settings: () => view(parts),
    changeSettings: (call) => {
      const { changes, revision } = call.body;
      call.note({ target: changes.map(({ path }) => formatPath(path)).join(', ') });
      const next = turn.then(() => change(changes, revision));
      turn = next.catch(() => undefined);
      return next;
    },
  };
}

async function view({ house, reloading }: ApiParts): Promise<View> {
  const { file } = house.loaded;
  const { loaded, problem } = await current(house.loaded, reloading);
  const reason = problem ?? (await whyReadOnly(file));
  return {
    file,
    writable: reason === null,
    reason,
    revision: file === null ? null : revisionOf(await readFile(file, 'utf8').catch(() => '')),
    pending: reloading.pending(),
    settings: effectiveTree(loaded),
    editable: [...editablePaths],
    origins: Object.fromEntries(effectiveSettings(loaded).map(({ path, origin }) => [path, origin])),
  };
}

/** What the file says now; where that is no configuration, what was said when the daemon began. */
async function current(
  loaded: LoadedConfig,
  { env, cwd }: ApiParts['reloading'],
): Promise<{ loaded: LoadedConfig; problem: string | null }> {
  if (loaded.file === null) return { loaded, problem: null };
  try {
    return { loaded: await loadConfig({ path: loaded.file, env, cwd }), problem: null };
  } catch (error) {
    return { loaded, problem: `the file is not valid any more: ${toHoldfastError(error).message}` };
  }
}

/** Null when it can be written. */
async function whyReadOnly(file: string | null): Promise<string | null> {
  if (file === null) return 'the configuration comes from variables; `holdfast config export` makes a file of it';
  try {
    const real = await realpath(file);
    const folder = dirname(real);
    await access(real, constants.W_OK);
    await access(folder, constants.W_OK);
    // A single file mounted into a container cannot be replaced.
    const [own, around] = await Promise.all([stat(real), stat(folder)]);
    return own.dev === around.dev ? null : `${file} is mounted by itself; mount its folder instead`;
  } catch {
    return `the user that runs holdfast may not write ${file} and its folder`;
  }
}

function revisionOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

function readOnly(reason: string): HoldfastError {
  return new HoldfastError('CONFIG_READ_ONLY', `settings cannot be changed here: ${reason}`, {
    kind: 'refused',
    hint: 'Once that is mended they can; or change them where they stand.',
  });
}

function changedMeanwhile(): HoldfastError {
  return new HoldfastError('CONFIG_CHANGED', 'the settings were changed by somebody else meanwhile', {
    kind: 'busy',
    retryable: true,
    hint: 'Look at them again, then repeat your change.',
  });
}
