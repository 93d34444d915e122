import { Tooltip } from '@mantine/core';
import { useSyncExternalStore } from 'react';
import { formatAgo } from './format.ts';
import { useFormat } from './use-format.ts';

/** How long ago, or how soon; the exact time of the installation is told on hover, on focus and to screen readers. */
export function Time({ at, exact = false }: { at: string; exact?: boolean }) {
  const format = useFormat();
  const now = useNow();
  const ago = formatAgo(new Date(at), now, format.language);
  const [shown, told] = exact ? [format.short(at), ago] : [ago, format.exact(at)];
  return (
    <Tooltip label={told} events={{ hover: true, focus: true, touch: true }}>
      <time dateTime={at} aria-label={`${shown}, ${told}`} style={exact ? {} : { whiteSpace: 'nowrap' }}>
        {shown}
      </time>
    </Tooltip>
  );
}

const everyMs = 15_000;
const listeners = new Set<() => void>();
let now = new Date();
let timer: ReturnType<typeof setInterval> | undefined;

/** One clock for the whole page. */
export function useNow(): Date {
  return useSyncExternalStore(listen, () => now);
}

function listen(tell: () => void): () => void {
  if (listeners.size === 0) {
    now = new Date();
    timer = setInterval(tick, everyMs);
  }
  listeners.add(tell);
  return () => {
    listeners.delete(tell);
    if (listeners.size === 0) clearInterval(timer);
  };
}

function tick(): void {
  now = new Date();
  for (const tell of listeners) tell();
}
