import { silentLogger } from '../../src/base/logger.ts';
import { openAlerts, type Alerts, type AlertsOptions } from '../../src/care/alerts/alerts.ts';
import type { Catalog, RunRecord } from '../../src/catalog/catalog.ts';
import { openCatalog } from '../../src/catalog/sqlite/sqlite-catalog.ts';
import { ownProcess } from '../../src/catalog/process-identity.ts';
import { createChannels, type ChannelOptions } from '../../src/notify/index.ts';
import { startReceiver, type HttpReceiver } from './http-receiver.ts';
import { temporaryFolder } from './temporary-folder.ts';

/** Of the webhook's payload, what the tests here look at. */
export interface Told {
  id: string;
  kind: string;
  severity: string;
  title: string;
  what: string;
  meaning: string | null;
  todo: string[];
  facts: { name: string; value: string }[];
  errors: string[];
  source: string | null;
}

export interface AlertsHouse extends AsyncDisposable {
  folder: string;
  catalog: Catalog;
  alerts: Alerts;
  receiver: HttpReceiver;
  /** Messages that the receiver accepted or refused, in order. */
  told(): Told[];
  /** `problem backup of shop failed`, ... */
  titles(): string[];
  /** Lets this much time pass. */
  pass(ms: number): void;
  /** A run that has just ended. */
  ran(run: Partial<RunRecord>): RunRecord;
  work(): Promise<void>;
}

export const never = new AbortController().signal;

/** A real catalog, a real channel to a real server, and a clock that stands still until it is told otherwise. */
export async function openAlertsHouse(
  settings: Partial<AlertsOptions> & { channelOptions?: (url: string) => ChannelOptions[] } = {},
): Promise<AlertsHouse> {
  const { channelOptions = (url: string) => [webhook(url)], ...options } = settings;
  await using made = new AsyncDisposableStack();
  const folder = made.use(await temporaryFolder());
  const receiver = made.use(await startReceiver());
  let now = new Date('2026-11-21T02:00:00.000Z').getTime();
  const clock = { now: () => new Date(now), monotonic: () => performance.now() };
  const catalog = made.use(openCatalog(folder.path, clock));
  const context = { clock, logger: silentLogger, version: '1.2.3' };
  const alerts = made.use(
    openAlerts({
      channels: createChannels(channelOptions(receiver.url), context),
      level: 'warnings',
      remindAfterMs: 24 * 3_600_000,
      catalog,
      clock,
      instance: 'web-1',
      timezone: 'UTC',
      publicUrl: null,
      logger: silentLogger,
      sources: [],
      retryAt: () => null,
      placeOf: (name) => ({ kind: 'local', title: `/srv/${name}` }),
      ...options,
    }),
  );
  const told = () => receiver.requests.map(({ body }) => readPayload(body));
  const resources = made.move();
  let number = 0;
  return {
    folder: folder.path,
    catalog,
    alerts,
    receiver,
    told,
    titles: () => told().map(({ kind, title }) => `${kind}: ${title}`),
    pass: (ms) => (now += ms),
    ran: (change) => {
      const at = clock.now().toISOString();
      const run: RunRecord = {
        id: `run-${(number += 1)}`,
        operation: 'backup',
        source: 'shop',
        backup: null,
        trigger: 'manual',
        state: 'succeeded',
        startedAt: new Date(now - 12_000).toISOString(),
        finishedAt: at,
        ...ownProcess(),
        error: null,
        result: null,
        ...change,
      };
      catalog.runs.add(run);
      return run;
    },
    work: () => alerts.work(never),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

/** The message in the webhook's payload, as it was given to the channel. */
export function readPayload(body: Buffer): Told {
  const { holdfast, message: what, error_messages: errors } = JSON.parse(body.toString()) as Payload;
  return { ...holdfast, what, errors };
}

interface Payload {
  holdfast: Omit<Told, 'what' | 'errors'>;
  message: string;
  error_messages: string[];
}

export function webhook(url: string, more: Partial<ChannelOptions> = {}): ChannelOptions {
  return { type: 'webhook', url: `${url}/hook`, headers: {}, timeout: 5000, ...more } as ChannelOptions;
}
