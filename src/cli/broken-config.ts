import { readFile } from 'node:fs/promises';
import { throwIfAborted } from '../base/abort.ts';
import { isFromFuture } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Finding } from '../care/alerts/finding.ts';
import { findLastGood, keepLastGood, readLastGood } from '../config/last-good.ts';
import type { House } from '../house.ts';
import type { CommandContext } from './command.ts';

const remindMs = 24 * 3_600_000;
/** Somebody waits for the error. */
const longestMs = 30_000;

/**
 * A daemon whose configuration broke while it was not running would be silent from then on, and with it the backups. So the channels of the
 * configuration it last began with are told, once for each way of being broken and again after a day, however often it is restarted.
 */
export async function tellBrokenConfig(context: CommandContext, error: unknown, logger: Logger): Promise<void> {
  const found = await findLastGood({ path: context.config, env: context.env, cwd: context.cwd });
  if (found === null) return;
  const { state, good } = found;
  const { code, message } = toHoldfastError(error);
  const what = `${message} (${code})`;
  const now = context.clock.now();
  const { told } = good;
  if (told?.what === what && !isFromFuture(told.at, now) && now.getTime() - new Date(told.at).getTime() < remindMs)
    return;
  try {
    const { loadConfig } = await import('../config/load.ts');
    const { env, cwd } = context;
    const loaded = await loadConfig({ path: good.file, text: good.text, env, cwd });
    await using house = await context.openHouse(loaded);
    await house.alerts.shout('problem', brokenConfig(good.file, what), limited(context.signal));
    await keepLastGood(state, { ...good, told: { what, at: now.toISOString() } });
    logger.log('info', 'the channels of the last good configuration were told');
  } catch (failure) {
    throwIfAborted(context.signal);
    // What is wrong is told by the error itself; that nobody else was told must not hide it.
    logger.log('warn', `nobody could be told: ${toHoldfastError(failure).message}`);
  }
}

/** The daemon begins: this is what it would need to tell somebody. Whoever was told that it was broken hears that it is over. */
export async function noteGoodConfig({ signal }: CommandContext, house: House): Promise<void> {
  const { loaded, logger } = house;
  if (loaded.file === null) return;
  const { state } = loaded.config;
  try {
    const before = await readLastGood(state);
    if (before?.told)
      await house.alerts.shout('resolved', brokenConfig(loaded.file, before.told.what), limited(signal));
    const text = await readFile(loaded.file, 'utf8');
    if (before?.text !== text || before.file !== loaded.file || before.told) {
      await keepLastGood(state, { file: loaded.file, text, told: null });
    }
  } catch (error) {
    throwIfAborted(signal);
    logger.log('warn', `the configuration was not kept for the day it breaks: ${toHoldfastError(error).message}`);
  }
}

function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(longestMs)]);
}

function brokenConfig(file: string, what: string): Finding {
  return {
    code: 'CONFIG_BROKEN',
    severity: 'critical',
    source: null,
    storage: null,
    value: null,
    threshold: null,
    message: `the daemon cannot begin: ${what}`,
    meaning: 'No backup is taken by itself, and nothing is watched.',
    hint: `Correct ${file}, then start the daemon again; \`holdfast config validate\` says what is wrong.`,
  };
}
