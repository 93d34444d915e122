import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useEffectEvent, useState } from 'react';
import type { RunView } from '../../../src/api/contract.ts';
import { isOwnEnd } from './own-runs.ts';

/** Keeps what is shown up to date: tells the caches what has changed. False while the connection is lost. */
export function useEvents(onOwnEnd: (run: RunView) => void): boolean {
  const queries = useQueryClient();
  const [live, setLive] = useState(true);
  const tellEnd = useEffectEvent(onOwnEnd);
  useEffect(() => {
    const events = new EventSource('/api/v1/events');
    events.addEventListener('open', () => {
      // What happened while nobody listened.
      setLive((before) => {
        if (!before) void queries.invalidateQueries();
        return true;
      });
    });
    events.addEventListener('error', () => setLive(false));
    events.addEventListener('run', ({ data }: MessageEvent<string>) => {
      const run = JSON.parse(data) as RunView;
      queries.setQueryData(['run', run.id], run);
      if (isOwnEnd(run)) tellEnd(run);
      if (run.progress === null || run.finishedAt !== null) {
        void queries.invalidateQueries({ queryKey: ['runs'] });
        for (const key of ['sources', 'source']) void queries.invalidateQueries({ queryKey: [key] });
        void queries.invalidateQueries({ queryKey: ['log', run.id] });
      }
    });
    events.addEventListener('changed', () => {
      for (const key of ['sources', 'source', 'backups', 'backup', 'check'])
        void queries.invalidateQueries({ queryKey: [key] });
    });
    return () => events.close();
  }, [queries]);
  return live;
}
