import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../base/clock.ts';
import { HoldfastError, toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { withoutSecrets } from '../../base/secret.ts';
import type { Catalog } from '../../catalog/catalog.ts';
import { daemonState } from '../../catalog/daemon-state.ts';
import { ownProcess } from '../../catalog/process-identity.ts';
import type { Channel } from '../../notify/channel.ts';
import type { Alerts } from './alerts.ts';

interface CommandParts {
  alerts: Alerts;
  channels: readonly Channel[];
  catalog: Catalog;
  clock: Clock;
  logger: Logger;
}

/** Alerts of a process that ends soon. Where a daemon works on the same state, it is left to do the telling. */
export interface CommandAlerts extends AsyncDisposable {
  /** The catalog for everybody else: the start of a run is told at once to those who wait for a sign of life. */
  readonly catalog: Catalog;
}

/** Nobody waits longer for a mail server after a command has done its work. */
const atEndMs = 15_000;
/** For what others left behind; and at the end of a daemon, which has tried all along, and is killed when it takes ten seconds to end. */
const inPassingMs = 3000;

export function commandAlerts({ alerts, channels, catalog, clock, logger }: CommandParts): CommandAlerts {
  const ending = new AbortController();
  const begun = new Set<Promise<void>>();
  const hasDaemon = () => catalog.daemons.list().some((daemon) => daemonState(daemon, clock) === 'alive');
  const wasDaemon = () => {
    const own = ownProcess();
    return catalog.daemons.list().some(({ host, pid, process }) => isDeepStrictEqual({ host, pid, process }, own));
  };
  const complain = (error: unknown) => {
    const { message, code } = toHoldfastError(error);
    logger.log('warn', `alerts: ${withoutSecrets(message)} (${code})`);
  };
  const begin = () => {
    if (hasDaemon()) return;
    const work = alerts.work(ending.signal).catch(complain);
    begun.add(work);
    void work.finally(() => begun.delete(work));
  };
  const add: Catalog['runs']['add'] = (run) => {
    catalog.runs.add(run);
    begin();
  };
  const end = async () => {
    if (hasDaemon()) return;
    const ran = begun.size > 0 || catalog.runs.unnoticed().length > 0;
    // What there is to say is queued when this returns; only the sending takes time.
    const work = Promise.all([...begun, alerts.work(ending.signal, { last: true })]);
    const isNew = ran || catalog.deliveries.list({ state: 'pending' }).some(({ lastError }) => lastError === null);
    const ms = isNew && !wasDaemon() ? atEndMs : inPassingMs;
    const late = `no answer within ${ms / 1000} s at the end of a command`;
    const timer = setTimeout(() => ending.abort(new HoldfastError('TIMEOUT', late, { retryable: true })), ms);
    await work.finally(() => clearTimeout(timer));
  };
  return {
    catalog: channels.some(({ ping }) => ping !== undefined) ? { ...catalog, runs: { ...catalog.runs, add } } : catalog,
    [Symbol.asyncDispose]: () => end().catch(complain),
  };
}
