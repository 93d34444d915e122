import { examine, type Finding } from '../care/doctor/doctor.ts';
import { findSources } from '../care/stock/find-sources.ts';
import { throwIfAborted } from '../base/abort.ts';
import { toHoldfastError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import type { Source } from '../care/source.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SourceConfig } from '../config/schema.ts';
import type { House } from '../house.ts';
import { daemonState } from '../catalog/daemon-state.ts';
import { plansAhead } from '../schedule/ahead.ts';
import type { CommandContext } from './command.ts';
import { formatTime } from './output/time.ts';
import { plural } from './output/text.ts';

/** Everything `doctor` looks at behind the configuration; a house that cannot be opened is a finding, too. */
export async function examineHouse(context: CommandContext, loaded: LoadedConfig): Promise<Finding[]> {
  const house = await openHouse(context);
  if ('finding' in house) return [house.finding];
  const sources = context.source === undefined ? house.sources : [await house.source(context.source, context.signal)];
  const storages = context.source === undefined ? house.storages : sources.flatMap((source) => [...source.storages]);
  const { clock, signal } = context;
  const { unconfigured, foundSources } = await lookForSources(house, context);
  const compressions = sources.flatMap(({ name }) => namedCompression(loaded.config.sources[name]));
  const found = await examine({ sources, foundSources, storages, catalog: house.catalog, compressions, clock, signal });
  return [
    ...unconfigured,
    ...(context.source === undefined ? await forgottenFindings(house, signal) : []),
    ...found,
    ...sources.flatMap((source) => pendingFindings(source.name, house)),
    ...scheduleFindings(
      house,
      sources.map(({ name }) => name),
    ),
    ...(await alertFindings(house, signal)),
  ];
}

/** Copies that failed and are tried again. */
function pendingFindings(source: string, { catalog }: House): Finding[] {
  return [...Map.groupBy(catalog.copies.list({ source }), ({ storage }) => storage)].map(([storage, copies]) => {
    const why = copies.find(({ lastError }) => lastError !== null)?.lastError;
    return {
      subject: `source ${source}`,
      check: 'copies',
      result: 'warning',
      detail: `${plural(copies.length, 'backup')} not copied to ${storage} yet${why ? `: ${why.message} (${why.code})` : ''}`,
      hint: 'They are tried again by themselves; `holdfast copy --pending --now` does it at once.',
    };
  });
}

async function alertFindings({ alerts }: House, signal: AbortSignal): Promise<Finding[]> {
  const checked = await alerts.check(signal);
  const none: Finding = {
    subject: 'alerts',
    check: 'channels',
    result: 'ok',
    detail: 'none: nobody is told when a backup fails, and `holdfast check` has to be watched',
    hint: null,
  };
  if (checked.length === 0) return [none];
  const tried = 'accepts the connection and the login';
  return checked.map(({ channel, state, error }): Finding => {
    const finding = { subject: 'alerts', check: channel, hint: null };
    if (state === 'untried')
      return { ...finding, result: 'ok', detail: `configured; \`holdfast alerts test ${channel}\` sends a message` };
    if (error === null) return { ...finding, result: 'ok', detail: tried };
    return { ...finding, result: 'failed', detail: `${error.message} (${error.code})`, hint: error.hint };
  });
}

/** Without sources there is nothing to protect: what can be recovered is what matters then. */
async function lookForSources(
  house: House,
  { source, signal }: CommandContext,
): Promise<{ unconfigured: Finding[]; foundSources: readonly Source[] }> {
  if (house.sources.length > 0) return { unconfigured: [], foundSources: [] };
  const finding = { subject: 'configuration', check: 'sources', hint: null };
  try {
    const found = await house.findSources(signal);
    const names = found.map(({ name }) => name).join(', ');
    const detail =
      names === '' ? 'none is configured, and the storages hold none' : `none is configured; in the storages: ${names}`;
    // One that was named is looked at by itself.
    return { unconfigured: [{ ...finding, result: 'ok', detail }], foundSources: source === undefined ? found : [] };
  } catch (error) {
    signal.throwIfAborted();
    const detail = `none is configured: ${withoutSecrets(toHoldfastError(error).message)}`;
    return { unconfigured: [{ ...finding, result: 'warning', detail }], foundSources: [] };
  }
}

const lookMs = 60_000;

/** Renamed, or taken out of the configuration: what was backed up here and lies there still. Sources of other machines are theirs. */
async function forgottenFindings({ sources, storages, catalog }: House, signal: AbortSignal): Promise<Finding[]> {
  if (sources.length === 0) return [];
  const configured = new Set(sources.map(({ name }) => name));
  const limited = AbortSignal.any([signal, AbortSignal.timeout(lookMs)]);
  // Storages that do not answer are told of by themselves.
  const found = await findSources(storages, { signal: limited }).catch(() => null);
  throwIfAborted(signal);
  const forgotten = (found?.sources ?? []).filter(
    ({ name }) =>
      !configured.has(name) && catalog.runs.list({ source: name, operation: 'backup', limit: 1 }).length > 0,
  );
  return forgotten.map(({ name, storages: places }) => ({
    subject: `source ${name}`,
    check: 'configured',
    result: 'warning',
    detail: `not any more, and backups of it lie in ${places.map((place) => place.name).join(', ')}: none is removed by retention, verified or watched`,
    hint: `\`holdfast list --source ${name}\` shows them. Configure it again, or remove them with \`holdfast delete\`.`,
  }));
}

export function configurationFindings({ file, config, warnings }: LoadedConfig): Finding[] {
  const detail = `${file ?? 'the environment'} is valid; state in ${config.state}`;
  return [
    { subject: 'configuration', check: 'valid', result: 'ok', detail, hint: null },
    ...warnings.map((warning): Finding => {
      const [, said = warning, command = null] = /^(.*); run: (.*)$/.exec(warning) ?? [];
      return {
        subject: 'configuration',
        check: 'careful',
        result: 'warning',
        detail: said,
        hint: command && `Run: ${command}`,
      };
    }),
  ];
}

async function openHouse(context: CommandContext): Promise<House | { finding: Finding }> {
  try {
    return await context.house();
  } catch (error) {
    const { message, code, hint } = toHoldfastError(error);
    const detail = `${withoutSecrets(message)} (${code})`;
    return { finding: { subject: 'state', check: 'writable', result: 'failed', detail, hint: hint ?? null } };
  }
}

function namedCompression(source: SourceConfig | undefined) {
  const compression = source?.dump.compression;
  return compression === undefined || compression === 'auto' || compression.codec === 'none' ? [] : [compression];
}

/** One line per source, and one about whether anybody does what the schedules say. */
function scheduleFindings(house: House, names: readonly string[]): Finding[] {
  const { catalog, clock, instance, timezone, plans } = house;
  const next = plansAhead(plans, { catalog, clock, instance });
  const ok = (subject: string, check: string, detail: string): Finding => ({
    subject,
    check,
    result: 'ok',
    detail,
    hint: null,
  });
  const ofSources = names.map((name) => {
    const planned = plans.all.some(({ kind, source }) => kind === 'backup' && source === name);
    const due = next.find(({ plan }) => plan.kind === 'backup' && plan.source === name);
    const idle = planned ? 'never due' : 'none: backups are taken by hand or by another scheduler';
    return ok(`source ${name}`, 'schedule', due ? describeDue(due.at, clock.now(), timezone) : idle);
  });
  if (plans.all.every(({ source }) => source === null)) return ofSources;
  if (!plans.enabled) return [...ofSources, ok('daemon', 'works', 'switched off by scheduler.enabled')];
  const alive = catalog.daemons.list().find((daemon) => daemonState(daemon, clock) === 'alive');
  if (alive)
    return [...ofSources, ok('daemon', 'works', `process ${alive.pid} on ${alive.host} does what is scheduled`)];
  const lacking: Finding = {
    subject: 'daemon',
    check: 'works',
    result: 'warning',
    detail: 'nothing does what is scheduled',
    hint: 'Start `holdfast serve` as a service or a container and leave it running.',
  };
  return [...ofSources, lacking];
}

function describeDue(at: Date, now: Date, timezone: string): string {
  return at <= now ? 'due now' : `next due ${formatTime(at, timezone)} (${timezone})`;
}
