import type { Access } from '../../access/access.ts';
import type { ListenAddress } from '../../api/listen.ts';
import type { House } from '../../house.ts';
import type { Daemon } from '../../schedule/serve.ts';
import type { Command, CommandContext } from '../command.ts';
import { openReload, type Reload } from '../reload.ts';
import { describePlans } from '../output/plans.ts';
import { formatTime } from '../output/time.ts';

export const serve: Command = {
  name: 'serve',
  summary: 'stay and do everything on schedule',
  group: 'protect',
  lasting: true,
  examples: [
    { line: 'holdfast serve', does: 'backups, drills, checks and alerts as configured, until it is stopped' },
    { line: 'HOLDFAST_LOG_FORMAT=json holdfast serve', does: 'with a log for machines' },
  ],
  help: `Runs until SIGTERM or Ctrl-C, and writes its log to the error output. Times are counted from the last good backup, so restarts never
put one off; what was missed is made up for once. Told to stop, it starts nothing more and gives what runs a moment
(\`scheduler.stopWithin\`), then cancels it and cleans up; a second signal cancels at once. A second serve on the same
state folder stands by until the first has ended.`,
  run: async (context) => {
    // Tells its warnings, once.
    await context.loadConfig();
    let next: Next | null = { house: await context.openHouse(), listen: null };
    while (next !== null) next = await serveUntilChanged(context, next);
  },
};

interface Next {
  house: House;
  /** Where it listened before, when any free port would do. */
  listen: ListenAddress | null;
}

/** Until it is told to stop; or until settings were changed and nothing runs, for what goes on with them. */
async function serveUntilChanged(context: CommandContext, { house, listen }: Next): Promise<Next | null> {
  const { openDaemon } = await import('../../schedule/serve.ts');
  const { signal: stop, urgent } = context;
  await using own = house;
  let next: Next | null = null;
  try {
    await using daemon = await openDaemon(await partsOf(own), stop);
    using reload = openReload(context, own.logger);
    await using server = await openHttp(context, own, { daemon, listen, reload });
    if (server) daemon.listensAt(server.address);
    greet(context, own, daemon, server);
    reload.when(() => daemon.view.running() === 0 && server?.work.running() === 0);
    await daemon.work({ stop: AbortSignal.any([stop, reload.signal]), urgent });
    next = reload.taken() && { house: reload.taken() ?? own, listen: server?.listen ?? null };
  } catch (error) {
    // Stopped while it stood by: it has done nothing, as it was told.
    if (!stop.aborted) throw error;
  }
  if (!stop.aborted) return next;
  await next?.house[Symbol.asyncDispose]();
  return null;
}

async function partsOf(house: House) {
  const { runCheck } = await import('../../care/monitor/run-check.ts');
  const { timezone } = house;
  return {
    ...house,
    tell: (at: Date) => `${formatTime(at, timezone)} (${timezone})`,
    report: async (signal: AbortSignal) => {
      const { sendReport } = await import('../../care/report/send-report.ts');
      const publicUrl = house.loaded.config.server?.publicUrl ?? null;
      const { status } = await sendReport({ ...house, publicUrl }, signal);
      return `is on its way to the channels: ${status}`;
    },
    check: async (signal: AbortSignal) => {
      const { status, findings } = await runCheck(house, signal);
      const count = findings.length === 1 ? '1 finding' : `${findings.length} findings`;
      return findings.length === 0 ? `is done: ${status}` : `is done: ${status}, ${count}; see \`holdfast check\``;
    },
  };
}

async function openHttp(
  context: CommandContext,
  house: House,
  { daemon, listen, reload }: { daemon: Daemon; listen: ListenAddress | null; reload: Reload },
) {
  const configured = house.loaded.config.server;
  if (configured === null) return null;
  const settings = { ...configured, listen: listen ?? configured.listen };
  const [{ openServer }, { openApiParts, registerApi }, { consoleFolder, openConsole }] = await Promise.all([
    import('../../api/server.ts'),
    import('../../api/api.ts'),
    import('../../api/console.ts'),
  ]);
  const { logger } = house;
  await using doors = new AsyncDisposableStack();
  const { view } = daemon;
  const { env, cwd } = context;
  const reloading = { env, cwd, ask: reload.ask, pending: reload.pending };
  const parts = doors.use(openApiParts(house, view, settings, reloading));
  daemon.attend(parts.work);
  await addAdmin(context, house, parts.access);
  const server = doors.use(
    await openServer({
      house,
      daemon: view,
      settings,
      logger,
      api: (app) => registerApi(app, parts),
      console: openConsole(consoleFolder()),
    }),
  );
  const setup = parts.access.newSetupToken();
  const kept = doors.move();
  const { address } = server;
  return {
    address,
    setup,
    work: parts.work,
    listen: boundAt(settings.listen, address),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

/** The port that was found, so that it is the same again after a change of settings. */
function boundAt(listen: ListenAddress, address: string): ListenAddress | null {
  return 'path' in listen || listen.port !== 0 ? null : { ...listen, port: Number(new URL(address).port) };
}

async function addAdmin(context: CommandContext, { catalog, logger }: House, access: Access): Promise<void> {
  if (catalog.users.list().length > 0) return;
  const { adminPassword } = await import('../new-password.ts');
  const password = await adminPassword(context);
  if (password === null) return;
  await access.createUser({ name: 'admin', role: 'admin', password: password.reveal() });
  const { noteCommand } = await import('../note-command.ts');
  noteCommand(catalog, context.clock, { action: 'createUser', target: 'admin' });
  logger.log('info', 'added the user admin with the password of HOLDFAST_ADMIN_PASSWORD');
}

/** What it will do and where it is, for whoever started it or reads the log later. */
function greet(
  { clock }: CommandContext,
  house: House,
  { view }: Daemon,
  server: { address: string; setup: string | null } | null,
): void {
  const { logger, loaded, version, plans } = house;
  const say = (line: string) => logger.log('info', line);
  say(`holdfast ${version} serves ${loaded.file ?? 'what the environment says'}; state in ${loaded.config.state}`);
  say(server === null ? 'no HTTP server is configured' : `HTTP at ${server.address}`);
  if (server !== null && server.setup !== null)
    say(
      `there is no user yet: make the first one with \`holdfast user create\`, or over HTTP with the setup token ${server.setup}`,
    );
  for (const line of describePlans(plans, view.nextRuns(), { timezone: house.timezone, now: clock.now() })) say(line);
}
