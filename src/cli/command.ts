import type { Readable, Writable } from 'node:stream';
import type { Clock } from '../base/clock.ts';
import type { ErrorKind } from '../base/errors.ts';
import type { Logger } from '../base/logger.ts';
import type { Catalog } from '../catalog/catalog.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { House } from '../house.ts';
import type { Screen } from './output/screen.ts';

/**
 * The contract of a command; one file per command. The command line, its help and the shell completion are all made from this
 * description. A command's file must stay light, because every file is read for `--help`: types and texts only, everything
 * that works (database, storage, tables, questions) by dynamic import inside `run`.
 */
export interface Command {
  readonly name: string;
  /** Other names that do the same, such as those of the systems that came before. */
  readonly aliases?: readonly string[];
  /** One line without a full stop, for lists of commands. */
  readonly summary: string;
  /** Where it stands in the overview; unlisted commands work but are shown only by their own `--help`. */
  readonly group?: CommandGroup;
  readonly arguments?: readonly CommandArgument[];
  readonly options?: readonly CommandOption[];
  /** Runs for months: its log is told from `info` on, and each line says when; where the state cannot be written, it waits with a copy until it can. */
  readonly lasting?: boolean;
  /** It only looks, or brings back what was lost: where the state cannot be written any more, it goes on with a copy. */
  readonly goesOnWithoutState?: boolean;
  /** At least one; each is a complete line to type. */
  readonly examples: readonly CommandExample[];
  /** Paragraphs below the options: what it does to what, and how it ends. */
  readonly help?: string;
  /** Commands below this one (`config show`). With them, `run` is what happens without a further word. */
  readonly commands?: readonly Command[];
  /**
   * Data goes to `stdout`, everything else to `stderr`. A failure is thrown as `HoldfastError`; an ending is returned by a
   * command that has printed its result but did not fully succeed, and decides the exit code as the error of that kind would.
   */
  run?(context: CommandContext, input: CommandInput): Promise<Ending | void>;
}

export type CommandGroup = 'start' | 'protect' | 'look' | 'prove' | 'recover' | 'care';

/** `warning`, `critical` and `unknown` belong to `check`, whose exit codes are those of monitoring systems. */
export type Ending = 'done' | ErrorKind | 'warning' | 'critical' | 'unknown';

export interface CommandArgument {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  /** The last argument only: takes all that follow. */
  readonly repeat?: boolean;
  readonly choices?: readonly string[];
  readonly complete?: Completion;
}

export interface CommandOption {
  /** The long name without dashes: `dry-run`, `into`, `no-owner`. */
  readonly name: string;
  readonly short?: string;
  readonly summary: string;
  /** What its value is called in the help; without it the option is a flag. */
  readonly value?: string;
  /** May be given several times. */
  readonly repeat?: boolean;
  /** A text for people; anything else that is empty is a slip. */
  readonly mayBeEmpty?: boolean;
  readonly choices?: readonly string[];
  readonly complete?: Completion;
  /** Accepted, but not shown: a name from an older system. */
  readonly hidden?: boolean;
}

/** What a shell offers in this place. */
export type Completion = 'source' | 'storage' | 'backup' | 'run' | 'file' | 'folder';

export interface CommandExample {
  readonly line: string;
  readonly does: string;
}

/** What was typed. Arguments and options are asked for by the name in the definition. */
export interface CommandInput {
  /** A value that was given, or undefined. */
  text(name: string): string | undefined;
  /** Values of something that may repeat, in order. */
  texts(name: string): string[];
  /** A whole number of at least 1, or undefined; anything else is wrong usage. */
  number(name: string): number | undefined;
  /** Whether a flag was given; `flag('no-owner')` is true for `--no-owner`. */
  flag(name: string): boolean;
}

export interface CommandContext {
  readonly io: Io;
  readonly json: boolean;
  readonly debug: boolean;
  /** `--yes`: skips questions, never a guard. */
  readonly yes: boolean;
  /** The values of `--source`, `--storage` and `--config`. */
  readonly source: string | undefined;
  readonly storage: string | undefined;
  readonly config: string | undefined;
  /** Fires on Ctrl-C and SIGTERM, and on SIGHUP when a terminal is gone. */
  readonly signal: AbortSignal;
  /** Fires when it is asked to stop a second time. */
  readonly urgent: AbortSignal;
  /** What is done on SIGHUP where no terminal is gone, or nobody minds. */
  readonly hangUps: Set<() => void>;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly clock: Clock;
  /** Where steps and warnings are told. */
  readonly logger: Logger;
  readonly version: string;
  /** All commands, for the completion. */
  readonly commands: readonly Command[];
  /** Reads the configuration on the first call, and tells its warnings then unless the command shows them itself. */
  loadConfig(options?: { quietly: boolean }): Promise<LoadedConfig>;
  /** Opens everything the configuration names on the first call; closed when the command has ended. */
  house(): Promise<House>;
  /** Another one, from the given configuration or from that as it is now; whoever asks for it closes it. */
  openHouse(loaded?: LoadedConfig): Promise<House>;
  /** Opens the catalog alone, which must exist: much quicker, and whatever else the configuration says. */
  catalog(): Promise<Catalog>;
}

export interface Io {
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Lines on the error output, kept apart from the live progress below them. */
  readonly screen: Screen;
  /** Where HOLDFAST_LOG_FORMAT is json: everything on the error output is a line of it. */
  readonly jsonLog?: Logger | undefined;
  readonly stdin: Readable;
  /** A person can be asked: input and error output are terminals. */
  readonly interactive: boolean;
  /** Standard output is a terminal; otherwise tables become plain columns. */
  readonly terminal: boolean;
  /** Error output is a terminal; otherwise progress becomes plain lines. */
  readonly live: boolean;
  /** Colours on standard output. */
  readonly color: boolean;
  /** Colours on the error output. */
  readonly errorColor: boolean;
  /** The width of the terminal, 80 where there is none. */
  readonly columns: number;
}
