import type { AlertsOverview, TestResult } from '../../care/alerts/alerts.ts';
import { incidentFacts } from '../../care/alerts/incident-kinds.ts';
import type { Command, CommandContext, Io } from '../command.ts';
import { sign } from '../output/facts.ts';
import { print, printJson } from '../output/print.ts';
import { styleFor } from '../output/style.ts';
import { hanging, plural, printable } from '../output/text.ts';
import { formatAge, formatTime } from '../output/time.ts';

const list: Command = {
  name: 'list',
  summary: 'what is the matter, since when, and whether anybody was told',
  examples: [{ line: 'holdfast alerts list', does: 'open incidents, and messages that do not arrive' }],
  run: async (context) => listIncidents(context),
};

const test: Command = {
  name: 'test',
  summary: 'send a test message through every channel, right now',
  arguments: [{ name: 'channel', summary: 'which channel, by its name; default: all', optional: true }],
  examples: [
    { line: 'holdfast alerts test', does: 'does everything arrive' },
    { line: 'holdfast alerts test email', does: 'one channel, while its settings are sought' },
  ],
  help: `Ends with exit code 1 when a channel did not take the message, and says why. Channels that only take signs of life
are left out: a false one would say that a backup was made.`,
  run: async (context, input) => {
    const { io, signal } = context;
    const house = await context.house();
    const results = await house.alerts.test({ channel: input.text('channel'), signal });
    if (context.json) printJson(io, results);
    else if (results.length === 0) print(io, ...noChannels(io));
    else print(io, ...results.flatMap((result) => describeTest(io, result)));
    const failed = results.length === 0 || results.some(({ state }) => state === 'failed');
    return failed ? 'failed' : 'done';
  },
};

export const alerts: Command = {
  name: 'alerts',
  summary: 'what is the matter and who was told; try the channels',
  group: 'look',
  examples: [
    { line: 'holdfast alerts', does: 'open incidents, and messages that do not arrive' },
    { line: 'holdfast alerts test', does: 'a test message through every channel' },
  ],
  help: `An incident is something that went wrong and is not over: it is told once, told again when it gets worse, recalled
at growing distances, and ended by an all-clear.`,
  commands: [list, test],
  run: async (context) => listIncidents(context),
};

async function listIncidents(context: CommandContext): Promise<void> {
  const house = await context.house();
  const { incidents, ...rest } = house.alerts.overview();
  const about = incidents.filter(({ source }) => context.source === undefined || source === context.source);
  const overview = { ...rest, incidents: about };
  if (context.json) return printJson(context.io, describeAsJson(overview));
  print(context.io, ...describe(context, overview, house.timezone));
}

/** Without what the policy keeps for itself, and without the messages. */
function describeAsJson({ channels, incidents, undelivered }: AlertsOverview) {
  return {
    channels,
    incidents: incidents.map(({ key, severity, source, title, openedAt, lastSeenAt, times, toldAt, goodSince }) => {
      return { key, severity, source, title, openedAt, lastSeenAt, times, toldAt, goodSince };
    }),
    undelivered: undelivered.map(({ channel, message, createdAt, attempts, nextAt, state, lastError }) => ({
      channel,
      title: titleOf(message),
      since: createdAt,
      attempts,
      nextAt: state === 'pending' ? nextAt : null,
      error: lastError,
    })),
  };
}

function describe({ io, clock }: CommandContext, overview: AlertsOverview, timezone: string): string[] {
  const { channels, incidents, undelivered } = overview;
  const style = styleFor(io.color);
  const now = clock.now();
  const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
  const say = (mark: 'good' | 'warn' | 'bad', text: string) => hanging(`${sign(style, mark)} `, text, columns);
  const describeTold = (at: string | null) => (at === null ? 'nobody was told' : `told ${formatAge(at, now)}`);
  const waiting = new Set(undelivered.map(({ message }) => titleOf(message)));
  return [
    ...(incidents.length === 0 ? say('good', 'nothing is the matter, as far as alerts know') : []),
    ...incidents.flatMap(({ severity, title, openedAt, times, toldAt, goodSince, key, source }) => [
      ...say(
        goodSince !== null ? 'good' : severity === 'critical' ? 'bad' : 'warn',
        `${printable(title)}${goodSince === null ? '' : `: good again ${formatAge(goodSince, now)}, and over if it stays so`}`,
      ),
      ...hanging(
        '    ',
        `since ${formatTime(openedAt, timezone)} ${timezone} (${formatAge(openedAt, now)}), seen ${plural(times, 'time')}; ${describeTold(toldAt)}${waiting.has(title) ? ', but it did not arrive everywhere' : ''}`,
        columns,
      ),
      style.dim(`    ${printable(describeKey(key, source))}`),
    ]),
    ...undelivered.flatMap(({ channel, message, createdAt, state, nextAt, lastError }) =>
      say(
        state === 'failed' ? 'bad' : 'warn',
        `not delivered through ${printable(channel)}: "${printable(titleOf(message))}" of ${formatTime(createdAt, timezone)}: ${printable(lastError?.message ?? '')} (${lastError?.code ?? ''}); ${state === 'failed' ? 'given up' : `next try ${formatTime(nextAt, timezone)}`}`,
      ),
    ),
    ...(channels.length === 0 ? noChannels(io) : []),
    ...channels.map(({ name, level, sources }) =>
      style.dim(`  ${printable(name)}: ${level}${sources === null ? '' : `, about ${sources.join(', ')}`}`),
    ),
  ];
}

/** `copy-failed of shop in offsite`, `DAEMON_DOWN`: what the manual has it under. */
function describeKey(key: string, source: string | null): string {
  const { code, storage, backup } = incidentFacts(key);
  const of = source === null ? '' : ` of ${source}`;
  const where = storage === null ? '' : ` in ${storage}`;
  return `${code}${of}${where}${backup === null ? '' : `, backup ${backup}`}`;
}

function describeTest(io: Io, { channel, state, durationMs, error }: TestResult): string[] {
  const style = styleFor(io.color);
  const columns = io.terminal ? io.columns : Number.POSITIVE_INFINITY;
  const name = printable(channel);
  if (state === 'sent')
    return [`${sign(style, 'good')} ${name}: taken after ${durationMs} ms; look whether it arrived`];
  if (state === 'skipped')
    return [`${sign(style, 'warn')} ${name}: not tried, it takes only signs of life of real runs`];
  return [
    ...hanging(`${sign(style, 'bad')} `, `${name}: ${printable(error?.message ?? '')} (${error?.code ?? ''})`, columns),
    ...(error?.hint ? hanging('    ', printable(error.hint), columns) : []),
  ];
}

function noChannels(io: Io): string[] {
  return [`${sign(styleFor(io.color), 'warn')} no channel is configured: nobody is told of failures`];
}

function titleOf(message: unknown): string {
  return typeof message === 'object' && message !== null && 'title' in message ? String(message.title) : '';
}
