import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { toHoldfastError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Catalog } from '../catalog.ts';
import { bringHome, reserveNumbers } from './bring-home.ts';
import type { Connection } from './connection.ts';
import { catalogFile, catalogOver, openConnection } from './sqlite-catalog.ts';
import { assertWritable, copyState, isUnwritable } from './stand-in.ts';

export interface EnduringState extends Disposable {
  /** What cannot be written there is not done. */
  readonly catalog: Catalog;
  /**
   * For what somebody needs most when the disk of the state is full: goes on with a copy of it elsewhere, and brings what was done there back
   * before anything else is written again, in this process.
   */
  readonly enduring: Catalog;
}

interface Books {
  clock: Clock;
  logger: Logger;
  /** Begins with the copy where it cannot be written, and goes home as soon as it can. */
  mayBeginAside?: boolean;
}

interface Aside {
  folder: string;
  connection: Connection;
  /** What was done there that is known nowhere else. */
  changes(): Uint8Array;
}

export function openEnduring(folder: string, { clock, logger, mayBeginAside = false }: Books): EnduringState {
  let aside: Aside | null = null;

  const leave = (reason: unknown): Connection => {
    const { message, code } = toHoldfastError(reason);
    aside = openAside(folder);
    const what = 'signing in, restoring and downloading go on with a copy of it';
    logger.log('warn', `the state in ${folder} cannot be written: ${message} (${code}); ${what} in ${aside.folder}`);
    return aside.connection;
  };
  const home = lazily(() => openConnection(folder));
  if (!mayBeginAside) home.open();
  else
    try {
      assertWritable(catalogOver(home.open(), clock));
    } catch (error) {
      home[Symbol.dispose]();
      if (!isUnwritable(error)) throw error;
      leave(error);
    }
  const bring = (left: Aside) => {
    const wasOpen = home.opened() !== null;
    try {
      bringHome(left.changes(), { from: join(left.folder, catalogFile), to: home.open() });
    } catch (error) {
      try {
        assertItNeverWill(error, catalogOver(home.open(), clock));
      } catch (waiting) {
        // What was begun with the copy is read there until all of it has come home.
        if (!wasOpen) home[Symbol.dispose]();
        throw waiting;
      }
      // Backups wait for it no longer. Who holds a lock there finds out when it is renewed.
      left.connection[Symbol.dispose]();
      logger.log('error', notComing(left, error));
      return;
    }
    remove(left);
    logger.log('info', `the state in ${folder} can be written again, and knows what was done meanwhile`);
  };
  const goBack = (): Connection => {
    if (aside !== null) bring(aside);
    aside = null;
    return home.open();
  };
  const strict = overlaid(
    home,
    () => home.opened() ?? aside?.connection ?? home.open(),
    // Written past what is known in the copy, such as who holds which lock, it could be the second to do what only one may.
    (write) => write(goBack()),
  );
  const enduring = overlaid(
    home,
    () => aside?.connection ?? home.open(),
    (write) => {
      try {
        goBack();
      } catch {
        // The next write tries again.
      }
      if (aside !== null) return write(aside.connection);
      try {
        return write(home.open());
      } catch (error) {
        if (!isUnwritable(error)) throw error;
        return write(leave(error));
      }
    },
  );
  const catalog = catalogOver(strict, clock);
  const copied = catalogOver(enduring, clock);
  const { runs } = copied;
  const add: typeof runs.add = (run) => {
    runs.add(run);
    const said = { at: run.startedAt, level: 'warn', message: onlyInCopy, fields: null } as const;
    if (aside !== null) runs.log(run.id, said);
  };
  return {
    // Whoever wants to cancel a run may have said so in the copy.
    catalog: { ...catalog, runs: { ...catalog.runs, cancelledBy: runs.cancelledBy } },
    enduring: { ...copied, runs: { ...runs, add } },
    [Symbol.dispose]: () => {
      try {
        goBack();
      } catch (error) {
        tellOfCopy(aside, error, logger);
      }
      home[Symbol.dispose]();
    },
  };
}

const onlyInCopy = 'the state folder cannot be written: until it can, this run is known in a copy of it alone';

interface Home extends Disposable {
  opened(): Connection | null;
  open(): Connection;
}

function lazily(open: () => Connection): Home {
  let opened: Connection | null = null;
  return {
    opened: () => opened,
    open: () => (opened ??= open()),
    [Symbol.dispose]: () => {
      opened?.[Symbol.dispose]();
      opened = null;
    },
  };
}

/** Reads from one connection and writes by what is said of writing; what is done inside of a transaction is part of it. */
function overlaid(home: Home, current: () => Connection, writing: <T>(write: (to: Connection) => T) => T): Connection {
  let inside: Connection | null = null;
  const here = () => inside ?? current();
  const write = <T>(work: (to: Connection) => T): T => (inside === null ? writing(work) : work(inside));
  return {
    all: (sql, values) => here().all(sql, values),
    get: (sql, values) => here().get(sql, values),
    run: (sql, values) => write((to) => to.run(sql, values)),
    script: (sql) => write((to) => to.script(sql)),
    transaction: (work) =>
      write((to) =>
        to.transaction(() => {
          const before = inside;
          inside = to;
          try {
            return work();
          } finally {
            inside = before;
          }
        }),
      ),
    // Also what is brought back waits no longer.
    briefly: (work) => {
      const there = home.opened() ?? here();
      return there.briefly(() => here().briefly(work));
    },
    recordChanges: () => here().recordChanges(),
    applyChanges: (changes, tables) => write((to) => to.applyChanges(changes, tables)),
    [Symbol.dispose]: () => undefined,
  };
}

function openAside(state: string): Aside {
  const folder = copyState(state);
  try {
    const connection = openConnection(folder);
    reserveNumbers(connection);
    return { folder, connection, changes: connection.recordChanges() };
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
}

function remove({ connection, folder }: Aside): void {
  connection[Symbol.dispose]();
  rmSync(folder, { recursive: true, force: true });
}

/** Throws what is waited for: room, or that whoever holds the state has done with it. */
function assertItNeverWill(error: unknown, home: Catalog): void {
  if (isUnwritable(error) || toHoldfastError(error).kind === 'busy') throw error;
  home.probe();
}

function notComing({ folder }: Aside, error: unknown): string {
  const { message, code } = toHoldfastError(error);
  return `what was done while the state could not be written does not come into it: ${message} (${code}); that ${inCopyAlone(folder)}`;
}

function inCopyAlone(folder: string): string {
  return `is known in a copy alone: HOLDFAST_STATE=${folder} before a command such as \`holdfast restore --undo\` or \`holdfast logs\` goes by it`;
}

function tellOfCopy(aside: Aside | null, error: unknown, logger: Logger): void {
  if (aside === null) return;
  aside.connection[Symbol.dispose]();
  const { message, code } = toHoldfastError(error);
  logger.log(
    'warn',
    `the state could not be written to the end: ${message} (${code}); what was done meanwhile ${inCopyAlone(aside.folder)}`,
  );
}
