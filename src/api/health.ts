import { toHoldfastError } from '../base/errors.ts';
import { tickIsYoung } from '../catalog/daemon-state.ts';
import type { ServerOptions } from './options.ts';

export interface Health {
  ok: boolean;
  version: string;
  daemon: string;
  startedAt: string;
  checks: {
    /** The state folder can be written. */
    state: { ok: boolean; code: string | null };
    /** The scheduler went through its plans lately. */
    scheduler: { ok: boolean; tickAt: string };
  };
}

/** Everybody may ask, and each answer costs a write: within this time, the last one is told again. */
const freshMs = 1_000;
/** Another process may write for so long. */
const lockedMs = 10_000;

/** Asks nothing outside of this process but the state folder. */
export function judgeHealth({ house, daemon }: Pick<ServerOptions, 'house' | 'daemon'>): () => Health {
  const { catalog, clock, version } = house;
  let lockedSince: number | null = null;
  let written: { at: number; code: string | null } | null = null;
  const probe = () => {
    if (written !== null && clock.monotonic() - written.at < freshMs) return written.code;
    const code = codeOf(() => catalog.briefly(() => catalog.probe()));
    const at = clock.monotonic();
    lockedSince = code === 'CATALOG_BUSY' ? (lockedSince ?? at) : null;
    // As long as others wait for it, nothing is wrong yet.
    written = { at, code: lockedSince !== null && at - lockedSince < lockedMs ? null : code };
    return written.code;
  };
  return () => {
    const code = probe();
    const tickAt = daemon.tickAt().toISOString();
    const checks = { state: { ok: code === null, code }, scheduler: { ok: tickIsYoung({ tickAt }, clock), tickAt } };
    return {
      ok: checks.state.ok && checks.scheduler.ok,
      version,
      daemon: daemon.id,
      startedAt: daemon.startedAt.toISOString(),
      checks,
    };
  };
}

/** The code alone: the message would tell where the state folder lies. */
function codeOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return toHoldfastError(error).code;
  }
}
