import { nearest } from './nearest.ts';
import { isBranch, valueAt, type Path } from './path.ts';
import type { Problem } from './problems.ts';

/** What is wrong between alert channels and the rest: names that are taken, sources that there are not. */
export function channelProblems(tree: unknown, sources: readonly string[]): Problem[] {
  const list = valueAt(tree, ['alerts', 'channels']);
  if (!Array.isArray(list)) return [];
  const names = list.map((channel: unknown) => valueAt(channel, ['name']));
  return list.flatMap((channel: unknown, index): Problem[] => {
    const path: Path = ['alerts', 'channels', index];
    const name = names[index];
    const taken = typeof name === 'string' && names.indexOf(name) !== index;
    const message = 'is the name of another channel, too';
    return [
      ...(taken ? [{ path: [...path, 'name'], line: null, message }] : []),
      ...unknownSources(channel, path, sources),
    ];
  });
}

function unknownSources(channel: unknown, path: Path, sources: readonly string[]): Problem[] {
  const wanted = isBranch(channel) ? valueAt(channel, ['sources']) : undefined;
  if (!Array.isArray(wanted)) return [];
  return wanted.flatMap((name: unknown, index): Problem[] => {
    if (typeof name !== 'string' || sources.includes(name)) return [];
    const close = nearest(name, sources);
    const message = `is "${name}", which is not among the sources${close ? `; did you mean ${close}?` : ''}; allowed: ${sources.join(', ')}`;
    return [{ path: [...path, 'sources', index], line: null, message }];
  });
}
