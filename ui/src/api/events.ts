import { useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import type { RunView } from '../../../src/api/contract.ts';
import { isOwnEnd } from './own-runs.ts';

/** Browsers try again by themselves, but not after an answer that was no stream, such as a proxy's while the daemon is down. */
const againMs = 2_000;
/** The server gives a sign of life every 20 seconds; a connection that has died, or a proxy that keeps them to itself, is not told by the browser. */
const silentMs = 45_000;

/** Keeps what is shown up to date: tells the caches what has changed. False while the connection is lost. */
export function useEvents(onOwnEnd: (run: RunView) => void): boolean {
  const queries = useQueryClient();
  const [live, setLive] = useState(true);
  const tellEnd = useEffectEvent(onOwnEnd);
  useEffect(() => {
    let events: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let silence: ReturnType<typeof setTimeout> | undefined;
    let lost = false;
    let renewing = false;
    const fallSilent = () => {
      events?.close();
      lost = true;
      setLive(false);
      clearTimeout(timer);
      void queries.invalidateQueries();
      open();
    };
    const heard = () => {
      clearTimeout(silence);
      silence = setTimeout(fallSilent, silentMs);
    };
    const open = () => {
      heard();
      events = new EventSource('/api/v1/events');
      events.addEventListener('alive', () => {
        heard();
        // What happened while nobody listened.
        if (lost) void queries.invalidateQueries();
        lost = false;
        renewing = false;
        setLive(true);
      });
      events.addEventListener('error', () => {
        lost = true;
        // The browser is back in a moment, before anybody could read that it was away.
        if (renewing && events?.readyState === EventSource.CONNECTING) return void (renewing = false);
        setLive(false);
        if (events?.readyState !== EventSource.CLOSED) return;
        // Or the session has ended: then this leads to the entrance.
        void queries.invalidateQueries({ queryKey: ['session'] });
        clearTimeout(timer);
        clearTimeout(silence);
        timer = setTimeout(open, againMs);
      });
      // New settings come into effect on the other side.
      events.addEventListener('renewed', () => void (renewing = true));
      events.addEventListener('run', ({ data }: MessageEvent<string>) => {
        const run = JSON.parse(data) as RunView;
        if (isOwnEnd(run)) tellEnd(run);
        renewRun(queries, run);
      });
      events.addEventListener('checked', () => renew(queries, ['check']));
      events.addEventListener('changed', () => renew(queries, ['sources', 'source', 'backups', 'backup', 'check']));
    };
    open();
    return () => {
      clearTimeout(timer);
      clearTimeout(silence);
      events?.close();
    };
  }, [queries]);
  return live;
}

/** A run that only moves on changes nothing but itself. */
function renewRun(queries: QueryClient, run: RunView): void {
  queries.setQueryData(['run', run.id], run);
  if (run.progress === null || run.finishedAt !== null) {
    renew(queries, ['runs', 'sources', 'source']);
    void queries.invalidateQueries({ queryKey: ['log', run.id] });
  }
}

function renew(queries: QueryClient, keys: readonly string[]): void {
  for (const key of keys) void queries.invalidateQueries({ queryKey: [key] });
}
