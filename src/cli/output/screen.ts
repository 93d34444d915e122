import type { Writable } from 'node:stream';

/** The error output as lines that stay, with a few live lines below them that are redrawn. */
export interface Screen {
  line(text: string): void;
  /** Replaces the live lines; each must fit the width. Nothing happens where the output is not a terminal. */
  live(lines: readonly string[]): void;
}

export function openScreen(output: Writable, live: boolean): Screen {
  let drawn: readonly string[] = [];
  const erase = () => (drawn.length === 0 ? '' : `\u001B[${drawn.length}A\r\u001B[0J`);
  const draw = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
  return {
    line: (text) => {
      output.write(`${erase()}${text}\n${draw(drawn)}`);
    },
    live: (lines) => {
      if (!live || (lines.length === 0 && drawn.length === 0)) return;
      output.write(erase() + draw(lines));
      drawn = [...lines];
    },
  };
}
