import { examine, type Finding } from '../care/doctor.ts';
import { toHoldfastError } from '../base/errors.ts';
import { withoutSecrets } from '../base/secret.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SourceConfig } from '../config/schema.ts';
import type { House } from '../house.ts';
import { nextDue } from '../schedule/due.ts';
import type { CommandContext } from './command.ts';
import { formatTime } from './output/time.ts';

/** Everything `doctor` looks at behind the configuration; a house that cannot be opened is a finding, too. */
export async function examineHouse(context: CommandContext, loaded: LoadedConfig): Promise<Finding[]> {
  const house = await openHouse(context);
  if ('finding' in house) return [house.finding];
  const sources = context.source === undefined ? house.sources : [await house.source(context.source, context.signal)];
  const storages = context.source === undefined ? house.storages : sources.flatMap((source) => [...source.storages]);
  const { clock, signal } = context;
  const unconfigured = house.sources.length === 0 ? [await foundFinding(house, signal)] : [];
  const compressions = sources.flatMap(({ name }) => namedCompression(loaded.config.sources[name]));
  const found = await examine({ sources, storages, catalog: house.catalog, compressions, clock, signal });
  return [
    ...unconfigured,
    ...found,
    ...sources.map(({ name }) => scheduleFinding(name, loaded.config.sources[name], house)),
  ];
}

/** Without sources there is nothing to protect: what can be recovered is what matters then. */
async function foundFinding(house: House, signal: AbortSignal): Promise<Finding> {
  const finding = { subject: 'configuration', check: 'sources', hint: null };
  try {
    const names = (await house.findSources(signal)).map(({ name }) => name).join(', ');
    const detail =
      names === '' ? 'none is configured, and the storages hold none' : `none is configured; in the storages: ${names}`;
    return { ...finding, result: 'ok', detail };
  } catch (error) {
    signal.throwIfAborted();
    return {
      ...finding,
      result: 'warning',
      detail: `none is configured: ${withoutSecrets(toHoldfastError(error).message)}`,
    };
  }
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

function scheduleFinding(name: string, source: SourceConfig | undefined, house: House): Finding {
  const finding = (detail: string): Finding => ({
    subject: `source ${name}`,
    check: 'schedule',
    result: 'ok',
    detail,
    hint: null,
  });
  if (!source?.schedule) return finding('none: backups are taken by hand or by another scheduler');
  const runs = house.catalog.runs.list({ source: name, operation: 'backup', limit: 100 });
  const startOf = (run: { startedAt: string } | undefined) => (run ? new Date(run.startedAt) : null);
  const now = house.clock.now();
  const due = nextDue(source.schedule.plan, {
    now,
    since: now,
    lastGood: startOf(runs.find(({ state }) => state === 'succeeded')),
    lastAttempt: startOf(runs[0]),
    missed: source.schedule.missed,
  });
  // This version has no scheduler yet: whoever reads a time here must not believe that it is enough.
  const starter = 'cron or a systemd timer has to call `holdfast backup`';
  return finding(
    due === null ? 'never due' : `next due ${formatTime(due, house.timezone)} (${house.timezone}); ${starter}`,
  );
}
