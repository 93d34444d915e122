import { createInterface } from 'node:readline';
import { toLine } from '../lines.ts';
import { close, type State } from './connection.ts';
import { operations, type Answer, type Fault, type Question } from './operations.ts';

/**
 * The process that works on one SQLite file: it reads questions from its input, one in a line, and answers in lines. A process of its
 * own, because nothing interrupts a statement but its end; because SQLite's locks belong to a process and are lost
 * when any part of it closes the file; and because a hostile file can harm nobody else here.
 */
const state: State = { db: null, path: '', seen: '', busyMs: 0 };
for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(toLine(await answer(JSON.parse(line) as Question)));
}
close(state);

async function answer({ name, args }: Question): Promise<Answer> {
  try {
    const operation = operations[name] as (state: State, args: unknown) => unknown;
    return { value: await operation(state, args) };
  } catch (error) {
    return { fault: faultOf(error) };
  }
}

function faultOf(error: unknown): Fault {
  const { message, code, errcode } = error as { message?: string; code?: unknown; errcode?: unknown };
  return {
    message: message ?? String(error),
    sqlite: typeof errcode === 'number' ? errcode : null,
    system: typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : null,
  };
}
