import { styleFor, type Style } from './style.ts';
import { hanging, padTo, printable } from './text.ts';

export type Fact = readonly [name: string, value: string | null | undefined];

/** Names and values below one another; what has no value is left out. On a terminal long values go on below themselves. */
export function renderFacts(
  { color, columns, terminal = true }: { color: boolean; columns: number; terminal?: boolean },
  facts: readonly Fact[],
  indent = '',
): string[] {
  const style = styleFor(color);
  const known = facts.filter((fact): fact is readonly [string, string] => Boolean(fact[1]));
  const width = Math.max(0, ...known.map(([name]) => name.length));
  const room = terminal ? columns : Number.POSITIVE_INFINITY;
  return known.flatMap(([name, value]) =>
    hanging(`${indent}${style.dim(padTo(name, width))}  `, printable(value), room),
  );
}

/** `✓ good`, `! careful`, `✗ bad`: the sign says it without colour, too. */
export function sign(style: Style, result: 'good' | 'warn' | 'bad'): string {
  if (result === 'good') return style.good('✓');
  return result === 'warn' ? style.warn('!') : style.bad('✗');
}
