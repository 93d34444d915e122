import type { Clock } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import { formatDuration } from '../base/units.ts';
import type { Catalog, DaemonRecord } from '../catalog/catalog.ts';
import { daemonState, type DaemonState } from '../catalog/daemon-state.ts';
import { processState } from '../catalog/process-identity.ts';
import type { Answer } from './ask-healthz.ts';

export interface DaemonHealth {
  ok: boolean;
  /** One line, without a full stop. */
  message: string;
  daemon: Pick<DaemonRecord, 'id' | 'host' | 'pid' | 'version' | 'startedAt' | 'tickAt'> | null;
  checks: {
    daemon: { ok: boolean; state: DaemonState | 'none' };
    state: { ok: boolean; code: string | null };
    /** Null where nothing listens, or where it cannot be reached from here. */
    http: { ok: boolean; address: string; status: number | null } | null;
  };
}

export interface Examination {
  catalog: Catalog;
  clock: Clock;
  host: string;
  ask(address: string): Promise<Answer>;
}

/** Whether a daemon works on this state folder: it is about the daemon, not about the backups, which `check` is for. */
export async function examineDaemon({ catalog, clock, host, ask }: Examination): Promise<DaemonHealth> {
  const daemon = choose(catalog.daemons.list(), host, clock);
  const state = daemon === null ? 'none' : daemonState(daemon, clock);
  const writable = codeOf(() => catalog.probe());
  const http = daemon !== null && state === 'alive' ? await answerOf(daemon, ask) : null;
  const checks: DaemonHealth['checks'] = {
    daemon: { ok: state === 'alive', state },
    state: { ok: writable === null, code: writable },
    http,
  };
  return {
    ok: checks.daemon.ok && checks.state.ok && (http?.ok ?? true),
    message: describe(checks, daemon, clock),
    daemon: daemon && shown(daemon),
    checks,
  };
}

/** That of this machine or container, where it had one: another one's daemon does not make this one healthy. */
function choose(daemons: readonly DaemonRecord[], host: string, clock: Clock): DaemonRecord | null {
  const own = daemons.filter((daemon) => daemon.host === host);
  const among = own.length > 0 ? own : daemons;
  return among.find((daemon) => daemonState(daemon, clock) === 'alive') ?? among[0] ?? null;
}

/** Where the process cannot be seen, its loopback is not ours either. */
async function answerOf(daemon: DaemonRecord, ask: Examination['ask']): Promise<DaemonHealth['checks']['http']> {
  if (daemon.listen === null || processState(daemon) !== 'alive') return null;
  const { status } = await ask(daemon.listen);
  return { ok: status === 200, address: daemon.listen, status };
}

function describe(checks: DaemonHealth['checks'], daemon: DaemonRecord | null, clock: Clock): string {
  if (daemon === null) return 'no daemon has run on this state folder; `holdfast serve` is one';
  const who = `the daemon (process ${daemon.pid} on ${daemon.host})`;
  const age = clock.now().getTime() - new Date(daemon.tickAt).getTime();
  const last = age < 0 ? 'with its last sign of life in the future' : `last sign of life ${formatDuration(age)} ago`;
  switch (checks.daemon.state) {
    case 'stopped':
      return `${who} was stopped at ${daemon.stoppedAt}`;
    case 'dead':
      return `${who} ended without a word, ${last}`;
    case 'stuck':
      return `${who} runs, but its scheduler has stopped, ${last}`;
    case 'silent':
      return `${who} is silent, ${last}`;
    case 'alive':
    case 'none':
  }
  if (checks.state.code !== null) return `${who} runs, but the state folder cannot be written (${checks.state.code})`;
  if (checks.http && !checks.http.ok) {
    const said = checks.http.status === null ? 'does not answer' : `answers ${checks.http.status}`;
    return `${who} runs, but ${checks.http.address} ${said}`;
  }
  return `${who} runs, ${last}${checks.http ? `, and ${checks.http.address} answers` : ''}`;
}

function shown({ id, host, pid, version, startedAt, tickAt }: DaemonRecord): DaemonHealth['daemon'] {
  return { id, host, pid, version, startedAt, tickAt };
}

function codeOf(work: () => void): string | null {
  try {
    work();
    return null;
  } catch (error) {
    return toHoldfastError(error).code;
  }
}
