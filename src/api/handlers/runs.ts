import { allows, mayReadRun } from '../../access/roles.ts';
import { HoldfastError } from '../../base/errors.ts';
import type { Finding } from '../../care/alerts/finding.ts';
import type { Trouble } from '../../care/monitor/facts.ts';
import { stateNotWritable } from '../../care/monitor/rules/installation.ts';
import { checkMark, lookAround, runCheck } from '../../care/monitor/run-check.ts';
import { troubleOf } from '../../care/monitor/trouble.ts';
import type { Catalog, RunRecord } from '../../catalog/catalog.ts';
import type { House } from '../../house.ts';
import type { Plans } from '../../schedule/plans.ts';
import { notAllowed, type Call, type Handlers } from '../register.ts';
import { findingsFor, grantOf, runToView, runUnknown, sourceFor, sourcesFor, type ApiParts } from './parts.ts';

export function runHandlers(parts: ApiParts): Pick<Handlers, 'runs' | 'run' | 'runLog' | 'cancelRun' | 'check'> {
  const { house, strict } = parts;
  const { catalog } = house;
  /** One they may not see does not exist for them. */
  const runFor = (call: Call, id: string, action: 'read' | 'cancel'): RunRecord => {
    const run = catalog.runs.get(id);
    if (!run || !mayReadRun(grantOf(call), run)) throw runUnknown(id);
    if (!allows(grantOf(call), action, run.source)) throw notAllowed(action);
    return run;
  };
  return {
    runs: async (call) => {
      const { source, operation, state, before, limit } = call.query;
      if (source !== undefined) await sourceFor(parts, call, source, 'read');
      const filter = {
        ...(source === undefined ? {} : { source }),
        ...(operation === undefined ? {} : { operation: operation as RunRecord['operation'] }),
        ...(state === undefined ? {} : { state }),
        ...(before === undefined ? {} : { before }),
      };
      const { sources } = grantOf(call);
      const last = before === undefined ? null : catalog.runs.get(before);
      // As after one that there is not.
      if (last && !mayReadRun(grantOf(call), last)) return [];
      const found = catalog.runs.list({ ...filter, ...(sources === null ? {} : { sources }), limit });
      return found.filter((run) => mayReadRun(grantOf(call), run)).map((run) => runToView(house, run));
    },
    run: (call) => runToView(house, runFor(call, call.params.id, 'read')),
    runLog: (call) => {
      const { id } = runFor(call, call.params.id, 'read');
      return catalog.runs.lines(id).map(({ at, level, message }) => ({ at, level, message }));
    },
    cancelRun: (call) => {
      const run = runFor(call, call.params.id, 'cancel');
      if (!catalog.runs.requestCancel(run.id, call.principal?.name ?? 'somebody')) {
        throw new HoldfastError('RUN_ENDED', `run ${run.id} has ended already: ${run.state}`, {
          kind: 'usage',
          hint: 'There is nothing left to cancel.',
        });
      }
      return runToView(house, runFor(call, run.id, 'read'));
    },
    check: async (call) => {
      const own = { ...house, catalog: strict };
      const trouble = troubleWith(strict);
      const { fresh } = call.query;
      if (fresh && trouble === null) await runCheck(own, call.signal);
      const looked = fresh && trouble !== null ? await lookUnrecorded(own, call.signal) : lastLook(own, trouble);
      const findings = findingsFor(call, await sourcesFor(parts, call), looked.findings).map(
        ({ tellsOf: _, ...finding }) => finding,
      );
      const { at } = looked;
      const status = at === null && findings.length === 0 ? 'unknown' : worst(findings);
      return { at, goodUntil: at === null ? null : goodUntil(at, house.plans), status, findings };
    },
  };
}

interface Look {
  /** Null where nobody has looked yet. */
  at: string | null;
  findings: readonly Finding[];
}

/** A state that cannot be written holds no look that says so. */
function lastLook({ catalog, loaded }: House, trouble: Trouble | null): Look {
  const mark = catalog.marks.get(checkMark);
  const last = mark?.detail as { findings: Finding[] } | null | undefined;
  const now = trouble === null ? [] : [stateNotWritable(loaded.config.state, trouble)];
  const before = (last?.findings ?? []).filter(({ code }) => now.every((each) => each.code !== code));
  return { at: last ? (mark?.lastGood ?? null) : null, findings: [...now, ...before] };
}

async function lookUnrecorded(house: House, signal: AbortSignal): Promise<Look> {
  const { findings } = await lookAround(house, await house.findSources(signal), house.storages, signal);
  return { at: house.clock.now().toISOString(), findings };
}

function troubleWith(catalog: Catalog): Trouble | null {
  try {
    catalog.briefly(() => catalog.probe());
    return null;
  } catch (error) {
    const trouble = troubleOf(error);
    // Whoever has it locked is done in a moment.
    return trouble.code === 'CATALOG_BUSY' ? null : trouble;
  }
}

/** Where nobody looks by the clock, whoever does so by hand has looked for the day. */
const byHandMs = 12 * 3_600_000;
const slackMs = 3_600_000;

/** One that was missed, as by a daemon that was renewed, says nothing; two do. */
export function goodUntil(looked: string, { all, enabled }: Pick<Plans, 'all' | 'enabled'>): string {
  const when = enabled ? all.find(({ kind }) => kind === 'check')?.when : undefined;
  const everyMs = when !== undefined && 'everyMs' in when ? when.everyMs : byHandMs;
  return new Date(Date.parse(looked) + 2 * everyMs + slackMs).toISOString();
}

function worst(findings: readonly Finding[]): 'ok' | 'warning' | 'critical' {
  if (findings.some(({ severity }) => severity === 'critical')) return 'critical';
  return findings.length > 0 ? 'warning' : 'ok';
}
