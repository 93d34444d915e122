import { styleFor, type Style } from './style.ts';
import { padTo, printable } from './text.ts';
import type { Io } from '../command.ts';

export type Fact = readonly [name: string, value: string | null | undefined];

/** Names and values below one another; what has no value is left out. */
export function renderFacts(io: Pick<Io, 'color'>, facts: readonly Fact[], indent = ''): string[] {
  const style = styleFor(io.color);
  const known = facts.filter(
    (fact): fact is readonly [string, string] => fact[1] !== null && fact[1] !== undefined && fact[1] !== '',
  );
  const width = Math.max(0, ...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${indent}${style.dim(padTo(name, width))}  ${printable(value)}`);
}

/** `✓ good`, `! careful`, `✗ bad`: the sign says it without colour, too. */
export function sign(style: Style, result: 'good' | 'warn' | 'bad'): string {
  if (result === 'good') return style.good('✓');
  return result === 'warn' ? style.warn('!') : style.bad('✗');
}
