import { styleText } from 'node:util';

export interface Style {
  bold(text: string): string;
  dim(text: string): string;
  good(text: string): string;
  bad(text: string): string;
  warn(text: string): string;
  accent(text: string): string;
}

type Format = Parameters<typeof styleText>[0];

const plain: Style = { bold: same, dim: same, good: same, bad: same, warn: same, accent: same };
const colored: Style = {
  bold: painter('bold'),
  dim: painter('dim'),
  good: painter('green'),
  bad: painter(['bold', 'red']),
  warn: painter('yellow'),
  accent: painter('cyan'),
};

export function styleFor(color: boolean): Style {
  return color ? colored : plain;
}

/** `--no-color` first, then FORCE_COLOR and NO_COLOR as https://force-color.org and https://no-color.org have them, then what the stream is. */
export function wantsColor(
  stream: { isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
  refused: boolean,
): boolean {
  if (refused) return false;
  const forced = env['FORCE_COLOR'];
  if (forced !== undefined) return forced !== '0' && forced !== 'false';
  if (env['NO_COLOR']) return false;
  return stream.isTTY === true && env['TERM'] !== 'dumb';
}

function painter(format: Format): (text: string) => string {
  return (text) => styleText(format, text, { validateStream: false });
}

function same(text: string): string {
  return text;
}
