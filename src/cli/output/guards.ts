import type { Guard } from '../../restore/guards.ts';
import { sign } from './facts.ts';
import type { Style } from './style.ts';
import { hanging, padTo, printable } from './text.ts';

const signs = { pass: 'good', warn: 'warn', block: 'bad' } as const;

/** The guards of a restore as a checklist; what blocks says how it is lifted. */
export function describeGuards(
  guards: readonly Guard[],
  { style, columns }: { style: Style; columns: number },
): string[] {
  const width = Math.max(0, ...guards.map(({ code }) => code.length));
  return guards.flatMap(({ code, result, detail, override }) => {
    const lines = hanging(`  ${sign(style, signs[result])} ${padTo(code, width)}  `, printable(detail), columns);
    const lift =
      result === 'block' && override !== null ? [`${' '.repeat(width + 6)}lifted by ${style.bold(override)}`] : [];
    return [...lines, ...lift];
  });
}
