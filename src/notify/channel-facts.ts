import type { Channel } from './channel.ts';
import type { CommonOptions } from './fields.ts';

/** What every channel says of itself. */
export function factsOf(
  kind: string,
  options: CommonOptions,
): Pick<Channel, 'name' | 'kind' | 'level' | 'sources' | 'timeoutMs'> {
  const { name = kind, level = null, sources = null, timeout: timeoutMs } = options;
  return { name, kind, level, sources, timeoutMs };
}
