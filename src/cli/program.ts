import { resolve } from 'node:path';
import { CommanderError, type Command as Program } from 'commander';
import type { Clock } from '../base/clock.ts';
import { toHoldfastError } from '../base/errors.ts';
import { atLeast, type Logger } from '../base/logger.ts';
import type { Secret } from '../base/secret.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { House } from '../house.ts';
import { hasFlag, modernArgv } from './argv.ts';
import { buildProgram, type Globals } from './build-program.ts';
import type { Command, CommandContext, CommandInput, Ending, Io } from './command.ts';
import { errorAsJson, renderError } from './output/error.ts';
import { assertLogFormat, logLevel, screenLogger } from './output/log-level.ts';
import { askerFor } from './output/ask-passphrase.ts';
import { print } from './output/print.ts';
import { styleFor } from './output/style.ts';
import { overview } from './overview.ts';
import { usageError } from './usage-error.ts';

/** What the program needs of the world; `main.ts` gives the real one, tests their own. */
export interface World {
  argv: readonly string[];
  io: Io;
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  signal: AbortSignal;
  urgent?: AbortSignal;
  hangUps?: Set<() => void>;
  clock: Clock;
  version: string;
  commands: readonly Command[];
  loadConfig(options: { path: string | undefined; env: World['env']; cwd: string }): Promise<LoadedConfig>;
  openHouse(loaded: LoadedConfig, parts: HouseParts): Promise<House>;
  openCatalog(options: { path: string | undefined; env: World['env']; cwd: string }): Promise<Catalog>;
}

interface HouseParts {
  clock: Clock;
  logger: Logger;
  identityFile: string | undefined;
  ask: ((what: string) => Promise<Secret | null>) | undefined;
  goesOnWithoutState: boolean;
  lasting: boolean;
}

interface Call {
  command: Command;
  globals: Globals;
  input: CommandInput;
}

/** Parses, runs and ends one command line. Never rejects: an error is shown and becomes its ending. */
export async function runProgram(world: World): Promise<Ending> {
  const argv = modernArgv(world.argv);
  const json = hasFlag(argv, '--json');
  const debug = hasFlag(argv, '--debug');
  try {
    assertLogFormat(world.env);
    const call = parse(world, argv);
    return typeof call === 'string' ? call : await runCommand(world, call);
  } catch (error) {
    showError(error, world.io, { json, debug });
    return toHoldfastError(error).kind;
  }
}

export function showError(error: unknown, io: Io, { json, debug }: { json: boolean; debug: boolean }): void {
  if (io.jsonLog) {
    const { message, ...facts } = errorAsJson(error).error;
    return io.jsonLog.log('error', message, facts);
  }
  if (json) return io.screen.line(JSON.stringify(errorAsJson(error)));
  // Into a file or a pipe every part stays on its line, for `grep`.
  const columns = io.live ? io.columns : Number.POSITIVE_INFINITY;
  for (const line of renderError(error, { style: styleFor(io.errorColor), debug, columns })) io.screen.line(line);
}

/** What is to be run, or the ending when nothing is: help, version or overview were printed. */
function parse(world: World, argv: readonly string[]): Call | Ending {
  let call: Call | undefined;
  const program = buildProgram({
    ...world,
    onCommand: (command, globals, input) => {
      call = { command, globals, input };
    },
  });
  try {
    const { operands, unknown } = program.parseOptions([...argv]);
    if (operands.length + unknown.length > 0) program.parse(argv, { from: 'user' });
    else print(world.io, ...overview(world));
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 'done';
    // A command with others below it and none of them named: its help was printed instead.
    if (error.code === 'commander.help') return 'usage';
    throw usageError(error, commandNamed(program, argv));
  }
  return call ?? 'done';
}

/** `config export`: in the order of the words, because an argument may be called as another command is. */
function commandNamed(program: Program, argv: readonly string[]): string | null {
  const names: string[] = [];
  let among = program.commands;
  for (const word of argv) {
    const found = among.find((command) => word === command.name() || command.aliases().includes(word));
    if (!found) continue;
    names.push(found.name());
    among = found.commands;
  }
  return names.length === 0 ? null : names.join(' ');
}

async function runCommand(world: World, { command, globals, input }: Call): Promise<Ending> {
  await using doors = new AsyncDisposableStack();
  const context = openContext(world, command, globals, doors);
  return (await command.run?.(context, input)) ?? 'done';
}

function openContext(world: World, command: Command, globals: Globals, doors: AsyncDisposableStack): CommandContext {
  const { io, env, cwd, clock, signal, version, commands } = world;
  const debug = globals.debug ?? false;
  const columns = () => (io.live ? io.columns : Number.POSITIVE_INFINITY);
  const minimum = logLevel(debug, env, command.lasting || io.jsonLog ? 'info' : 'warn');
  const logger = io.jsonLog
    ? atLeast(minimum, io.jsonLog)
    : screenLogger(
        { screen: io.screen, columns, clock: command.lasting ? clock : undefined },
        styleFor(io.errorColor),
        minimum,
      );
  const readConfig = once(() => world.loadConfig({ path: globals.config, env, cwd }));
  const houseTools = () => {
    const identityFile = globals.identity === undefined ? undefined : resolve(cwd, globals.identity);
    const { goesOnWithoutState = false, lasting = false } = command;
    return { clock, logger, identityFile, ask: askerFor(io, signal), goesOnWithoutState, lasting };
  };
  let told = false;
  const loadConfig = async ({ quietly } = { quietly: false }) => {
    const loaded = await readConfig();
    if (!told && !quietly) {
      for (const warning of loaded.warnings) logger.log('warn', warning);
      for (const note of loaded.notes) logger.log('info', note);
    }
    told = true;
    return loaded;
  };
  return {
    io,
    env,
    cwd,
    clock,
    logger,
    signal,
    urgent: world.urgent ?? new AbortController().signal,
    hangUps: world.hangUps ?? new Set(),
    version,
    commands,
    debug,
    json: globals.json ?? false,
    yes: globals.yes ?? false,
    source: globals.source,
    storage: globals.storage,
    config: globals.config,
    loadConfig,
    catalog: once(async () => doors.use(await world.openCatalog({ path: globals.config, env, cwd }))),
    house: once(async () => doors.use(await world.openHouse(await loadConfig(), houseTools()))),
    openHouse: async (loaded) =>
      world.openHouse(loaded ?? (await world.loadConfig({ path: globals.config, env, cwd })), houseTools()),
  };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
