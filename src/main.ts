import { readFileSync } from 'node:fs';
import { isatty } from 'node:tty';
import { systemClock } from './base/clock.ts';
import { HoldfastError } from './base/errors.ts';
import { hasFlag } from './cli/argv.ts';
import type { Io } from './cli/command.ts';
import { commands } from './cli/commands/index.ts';
import { exitCode } from './cli/exit-codes.ts';
import { mustSettle } from './cli/must-settle.ts';
import { jsonLogger, jsonScreen } from './cli/output/json-log.ts';
import { wantsJsonLog } from './cli/output/log-level.ts';
import { messageStream } from './cli/output/message-stream.ts';
import { openScreen } from './cli/output/screen.ts';
import { styleFor, wantsColor } from './cli/output/style.ts';
import { runProgram, showError } from './cli/program.ts';

const graceMs = 10_000;

type Env = Record<string, string | undefined>;

async function main(): Promise<void> {
  const argv = process.argv.slice(2);
  const { env } = process;
  const io = openIo(argv, env);
  const stop = new AbortController();
  const urgent = new AbortController();
  const hangUps = new Set<() => void>();
  const stopFor = stopOnSignals(stop, urgent, io);
  heedHangUps(hangUps, stopFor, env);
  stopOnFaults(stop, io, argv);
  tellLostResult(io, argv);
  const ending = await runProgram({
    argv,
    io,
    env,
    cwd: process.cwd(),
    signal: stop.signal,
    urgent: urgent.signal,
    hangUps,
    clock: systemClock,
    version: readVersion(),
    commands,
    loadConfig: async (options) => (await import('./config/load.ts')).loadConfig(options),
    openCatalog: async (options) => {
      const folder = await (await import('./config/state-folder.ts')).findStateFolder(options);
      return (await import('./catalog/sqlite/sqlite-catalog.ts')).openExistingCatalog(folder, systemClock);
    },
    openHouse: async (loaded, parts) => (await import('./wiring.ts')).openHouse(loaded, parts),
  });
  // Not `process.exit`: what was written into a pipe would be lost with it.
  process.exitCode ??= exitCode(ending);
}

function openIo(argv: readonly string[], env: NodeJS.ProcessEnv): Io {
  const { stdin, stdout } = process;
  const stderr = messageStream(process.stderr);
  const terminal = stdout.isTTY === true;
  const jsonLog = wantsJsonLog(env) ? jsonLogger(stderr, systemClock) : undefined;
  const live = process.stderr.isTTY === true && env['TERM'] !== 'dumb' && !jsonLog;
  const refused = hasFlag(argv, '--no-color');
  return {
    stdin,
    stdout,
    stderr,
    screen: jsonLog ? jsonScreen(jsonLog) : openScreen(stderr, live),
    jsonLog,
    interactive: stdin.isTTY === true && process.stderr.isTTY === true,
    terminal,
    live,
    color: wantsColor(stdout, env, refused),
    errorColor: !jsonLog && wantsColor(process.stderr, env, refused),
    // Asked each time: a window can be made smaller while a run is drawn.
    get columns() {
      return (terminal ? stdout.columns : process.stderr.columns) || 80;
    },
  };
}

/**
 * A reader of the result that went away (`| head`, a closed terminal) has had enough of it. Anything else that keeps it from being written is
 * told, and ends nothing half-way.
 */
function tellLostResult(io: Io, argv: readonly string[]): void {
  let told = false;
  io.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (told || error.code === 'EPIPE' || error.code === 'EIO') return;
    told = true;
    showError(error, io, { json: hasFlag(argv, '--json'), debug: hasFlag(argv, '--debug') });
    process.exitCode = exitCode('failed');
  });
}

/** The first signal stops the work, which then ends its programs and removes what is half done; a further one hurries only those who take their time. */
function stopOnSignals(stop: AbortController, urgent: AbortController, io: Io): (signal: NodeJS.Signals) => void {
  const style = styleFor(io.errorColor);
  const stopFor = (signal: NodeJS.Signals) => {
    if (stop.signal.aborted) {
      urgent.abort();
      io.screen.line(
        style.dim(`still stopping: programs are ended and unfinished parts removed (process ${process.pid})`),
      );
      return;
    }
    io.screen.line(style.dim('stopping…'));
    stop.abort(
      new HoldfastError('INTERRUPTED', `stopped by ${signal}`, {
        kind: 'interrupted',
        hint: 'What was unfinished is removed; the command can be started again.',
      }),
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stopFor);
  return stopFor;
}

/**
 * Where there is a terminal, SIGHUP says that it is gone, and ends the work. Begun with `nohup`, it does not; Node takes no notice of that
 * by itself, so the starting script tells. Of a service it is what makes it read its configuration anew.
 */
function heedHangUps(hangUps: ReadonlySet<() => void>, stopFor: (signal: NodeJS.Signals) => void, env: Env): void {
  const outlives = env['_HOLDFAST_NOHUP'] === String(process.pid);
  const isService = outlives || ![0, 1, 2].some((descriptor) => isatty(descriptor));
  delete env['_HOLDFAST_NOHUP'];
  process.on('SIGHUP', (signal) => {
    if (isService && hangUps.size > 0) for (const heed of hangUps) heed();
    else if (!outlives) stopFor(signal);
  });
}

/** A fault of ours that nobody caught: told as an error, the work is stopped, and if that hangs, the process ends anyway. */
function stopOnFaults(stop: AbortController, io: Io, argv: readonly string[]): void {
  const fault = (error: unknown) => {
    showError(error, io, { json: hasFlag(argv, '--json'), debug: hasFlag(argv, '--debug') });
    process.exitCode = exitCode('failed');
    stop.abort(new HoldfastError('INTERRUPTED', 'stopped by an unexpected fault', { kind: 'failed', cause: error }));
    setTimeout(() => process.exit(), graceMs).unref();
  };
  process.on('uncaughtException', fault);
  process.on('unhandledRejection', fault);
}

function readVersion(): string {
  const description: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof description === 'object' && description !== null && 'version' in description
    ? String(description.version)
    : '';
}

// Not waited for here: a module that waits keeps the packager from putting small ones together.
mustSettle(main());
