import { toHoldfastError } from '../../../base/errors.ts';
import type { Obstacle, RestoreAhead } from '../../engine.ts';
import type { Access } from '../connect/access.ts';
import { displayName } from '../connect/names.ts';
import { refusedSettings } from './create.ts';
import { serverNumber } from '../look/facts.ts';
import { psqlFor, refuseScript } from './load.ts';
import { openMaintenance } from '../look/maintenance.ts';
import { swapObstacles } from './swap.ts';

/** What the load or the swap would stop at, found out while nothing has been touched. */
export async function obstacles(access: Access, ahead: RestoreAhead, signal: AbortSignal): Promise<Obstacle[]> {
  const { dump, scope, owners } = ahead;
  // Whether it may run at all is what the guards ask.
  if (dump.format === 'plain') refuseScript({ dump, options: { scope, owners, allowForeignScript: true } });
  const inTheWay = ahead.mode === 'swap' && ahead.exists ? await ofSwap(access, signal) : [];
  return [
    ...(await ofTools(access, ahead, signal)),
    ...inTheWay.map((reason): Obstacle => ({ stops: 'swap', reason })),
  ];
}

/** A role that gets into this database alone can exchange nothing, and may still restore inside it. */
async function ofSwap(access: Access, signal: AbortSignal): Promise<string[]> {
  const live = access.address.database;
  const reached = await nameReached(access, signal);
  // A pooler may call it otherwise: what the server itself calls by that name, if there is such a one, is another.
  if (reached !== live)
    return [
      `${displayName(live)} is what a pooler, or the configuration, calls the database ${displayName(reached)}, which goes by its own name`,
    ];
  try {
    await using session = await openMaintenance(access, [live], signal);
    return [...(await swapObstacles(session, [live])), ...(await refusedSettings(access, session, signal))];
  } catch (error) {
    const { code, message } = toHoldfastError(error);
    if (code !== 'NO_MAINTENANCE_DATABASE') throw error;
    return [message];
  }
}

async function nameReached(access: Access, signal: AbortSignal): Promise<string> {
  await using session = await access.connect(signal);
  return await session.value('select pg_catalog.current_database()');
}

async function ofTools(
  access: Access,
  { dump, mode, allowUnpatchedTools }: RestoreAhead,
  signal: AbortSignal,
): Promise<Obstacle[]> {
  if (dump.trusted || (dump.format !== 'plain' && mode !== 'in-place')) return [];
  await using session = await openMaintenance(access, [], signal);
  try {
    const serverMajor = Math.floor((await serverNumber(session)) / 10_000);
    await psqlFor({ access, dump, options: { allowUnpatchedTools }, serverMajor, signal });
    return [];
  } catch (error) {
    const { code, message } = toHoldfastError(error);
    // That there are no tools at all, the load itself tells best.
    if (code === 'TOOL_NOT_SAFE') return [{ stops: 'tools', reason: message }];
    signal.throwIfAborted();
    return [];
  }
}
