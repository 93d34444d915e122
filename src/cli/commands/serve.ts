import type { Access } from '../../access/access.ts';
import type { Front } from '../../api/front.ts';
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
(\`scheduler.stopWithin\`), then cancels it and cleans up; a second signal cancels at once. SIGHUP makes it read its
configuration anew as soon as nothing runs; when that means that its terminal is gone, it ends, unless it was begun with
nohup. A second serve on the same state folder stands by until the first has ended.`,
  run: async (context) => {
    // Tells its warnings, once.
    try {
      await context.loadConfig();
    } catch (error) {
      const { tellBrokenConfig } = await import('../broken-config.ts');
      await tellBrokenConfig(context, error, context.logger);
      throw error;
    }
    const { openFront } = await import('../../api/front.ts');
    await using front = openFront();
    const follow = readOnHangUp(context);
    let house: House | null = await context.openHouse();
    while (house !== null) house = await serveUntilChanged(context, house, front, follow);
  },
};

type Follow = (reload: Reload) => void;

/** SIGHUP asks whoever serves to read the configuration anew; between two of them, or while it stands by, whoever comes next. */
function readOnHangUp({ hangUps, logger }: CommandContext): Follow {
  let current: Reload | null = null;
  let isOwed = false;
  hangUps.add(() => {
    logger.log('info', 'SIGHUP: the configuration is read anew as soon as nothing runs');
    if (current !== null && current.taken() === null) current.ask();
    else isOwed = true;
  });
  return (reload) => {
    current = reload;
    if (isOwed) reload.ask();
    isOwed = false;
  };
}

/** By far longer than it takes where no other daemon comes first. */
const patienceMs = 10_000;

/** Until it is told to stop; or until settings were changed and nothing runs, for what goes on with them. */
async function serveUntilChanged(
  context: CommandContext,
  house: House,
  front: Front,
  follow: Follow,
): Promise<House | null> {
  const { openDaemon } = await import('../../schedule/serve.ts');
  const { signal: stop, urgent } = context;
  await using own = house;
  let next: House | null = null;
  // Another daemon may have come first in between: then this one stands by, and nobody must wait for it.
  const late = setTimeout(() => front.refuse(), patienceMs);
  try {
    await using daemon = await openDaemon(await partsOf(own), stop);
    using reload = openReload(context, own.logger);
    follow(reload);
    await using server = await openHttp(context, own, { daemon, front, reload });
    clearTimeout(late);
    if (server) daemon.listensAt(server.address);
    greet(context, own, daemon, server);
    await noteGood(context, own);
    reload.when({
      idle: () => daemon.atRest() && (server?.work.running() ?? 0) === 0 && front.calm(),
      prepare: async ({ loaded }) => {
        const listen = loaded.config.server?.listen;
        if (listen !== undefined) await front.listen(listen);
      },
      hold: () => front.hold(),
      release: () => front.release(),
    });
    await daemon.work({ stop: AbortSignal.any([stop, reload.signal]), urgent });
    next = reload.taken();
  } catch (error) {
    // Stopped while it stood by: it has done nothing, as it was told.
    if (!stop.aborted) throw error;
  } finally {
    clearTimeout(late);
  }
  if (!stop.aborted) return next;
  await next?.[Symbol.asyncDispose]();
  return null;
}

async function noteGood(context: CommandContext, house: House): Promise<void> {
  const { noteGoodConfig } = await import('../broken-config.ts');
  await noteGoodConfig(context, house);
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
  { daemon, front, reload }: { daemon: Daemon; front: Front; reload: Reload },
) {
  const settings = house.loaded.config.server;
  if (settings === null) {
    front.refuse();
    await front.close();
    return null;
  }
  const [{ openServer }, { openApiParts, registerApi }, { consoleFolder, openConsole }] = await Promise.all([
    import('../../api/server.ts'),
    import('../../api/api.ts'),
    import('../../api/console.ts'),
  ]);
  const { logger } = house;
  await using doors = new AsyncDisposableStack();
  const { view } = daemon;
  const { env, cwd } = context;
  const reloading = { env, cwd, ask: reload.ask, pending: reload.pending, handingOver: () => reload.taken() !== null };
  const parts = doors.use(openApiParts(house, view, settings, reloading));
  daemon.attend(parts.work);
  await addAdmin(context, house, parts.access);
  const server = doors.use(
    await openServer(front, {
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
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

async function addAdmin(context: CommandContext, { enduring: catalog, logger }: House, access: Access): Promise<void> {
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
      `there is no user yet: make the first one with \`holdfast user create\`, or in a browser at the address above with the setup token ${server.setup}`,
    );
  for (const line of describePlans(plans, view.nextRuns(), { timezone: house.timezone, now: clock.now() })) say(line);
}
