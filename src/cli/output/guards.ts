import type { Guard } from '../../restore/guards.ts';
import { sign } from './facts.ts';
import type { Style } from './style.ts';
import { padTo, printable } from './text.ts';

const signs = { pass: 'good', warn: 'warn', block: 'bad' } as const;

/** The guards of a restore as a checklist; what blocks says how it is lifted. */
export function describeGuards(style: Style, guards: readonly Guard[]): string[] {
  const width = Math.max(0, ...guards.map(({ code }) => code.length));
  return guards.flatMap(({ code, result, detail, override }) => {
    const line = `  ${sign(style, signs[result])} ${padTo(code, width)}  ${printable(detail)}`;
    const lift =
      result === 'block' && override !== null ? [`    ${' '.repeat(width)}  lifted by ${style.bold(override)}`] : [];
    return [line, ...lift];
  });
}
