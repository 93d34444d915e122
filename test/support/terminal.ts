import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { expect } from 'vitest';
import type { Installation } from './holdfast.ts';

/** A person at a real terminal: reads what appears, types, presses Ctrl-C. */
export interface Terminal extends AsyncDisposable {
  /** Everything that appeared, as it was sent. */
  raw(): string;
  /** Waits until a text is on the screen. */
  sees(text: string | RegExp): Promise<void>;
  type(keys: string): void;
  /** The process that runs in it. */
  inside(): number;
  ended: Promise<number | null>;
}

const program = fileURLToPath(new URL('../../bin/holdfast', import.meta.url));
export const ctrlC = '\u0003';

/** Runs the program in a terminal of its own, which util-linux' `script` makes. */
export function openTerminal(holdfast: Pick<Installation, 'folder'>, ...args: string[]): Terminal {
  const { PATH = '', HOME = '' } = process.env;
  const line = [program, ...args].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qefc', `stty cols 100 rows 40; exec ${line}`, '/dev/null'], {
    cwd: holdfast.folder,
    env: { PATH, HOME, TERM: 'xterm-256color', LC_ALL: 'C.UTF-8' },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let raw = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (raw += text));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve(status));
  });
  return {
    raw: () => raw,
    sees: async (text) => {
      await expect.poll(() => stripVTControlCharacters(raw), { timeout: 30_000, interval: 20 }).toMatch(text);
    },
    type: (keys) => child.stdin.write(keys),
    inside: () => Number(readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim()),
    ended,
    [Symbol.asyncDispose]: async () => {
      child.kill();
      await ended;
    },
  };
}
