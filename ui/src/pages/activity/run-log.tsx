import { Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { Shown } from '../../parts/shown.tsx';
import { formatClock } from './clock.ts';
import { useSession } from '../../api/session.ts';
import classes from './run-log.module.css';

/** What a run says while it goes on, and what it said. */
export function RunLog({ run }: { run: RunView }) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSession();
  const goesOn = run.finishedAt === null;
  const log = useQuery({
    queryKey: ['log', run.id],
    queryFn: ({ signal }) => call('GET', '/runs/{id}/log', { params: { id: run.id }, signal }),
    refetchInterval: goesOn ? 3_000 : false,
  });
  const { refetch } = log;
  const step = run.progress?.step;
  useEffect(() => {
    // Each step begins and ends with a line.
    void refetch();
  }, [step, refetch]);
  const box = useRef<HTMLDivElement>(null);
  const count = log.data?.length ?? 0;
  useEffect(() => {
    const { current } = box;
    if (current && goesOn) current.scrollTop = current.scrollHeight;
  }, [count, goesOn]);
  return (
    <Shown query={log}>
      {(lines) =>
        lines.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t(goesOn ? 'activity.silent' : 'activity.saidNothing')}
          </Text>
        ) : (
          <div ref={box} className={classes['log']} tabIndex={0} role="log" aria-label={t('activity.log')}>
            {lines.map(({ at, level, message }, line) => (
              <div key={line} className={classes['line']} data-level={level}>
                <time dateTime={at}>{formatClock(at, timezone, i18n.language)}</time>
                <span className={classes['level']}>{level}</span>
                <span>{message}</span>
              </div>
            ))}
          </div>
        )
      }
    </Shown>
  );
}
