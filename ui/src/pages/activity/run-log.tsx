import { Box, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { useSession } from '../../api/session.ts';
import { Shown } from '../../parts/shown.tsx';
import { formatClock } from './clock.ts';
import classes from './run-log.module.css';

/** What a run says while it goes on, and what it said. */
export function RunLog({ run }: { run: RunView }) {
  const { t, i18n } = useTranslation();
  const { timezone } = useSession();
  const goesOn = run.finishedAt === null;
  const log = useQuery({
    // Each step begins and ends with a line.
    queryKey: ['log', run.id, run.progress?.step ?? null, run.state],
    queryFn: ({ signal }) => call('GET', '/runs/{id}/log', { params: { id: run.id }, signal }),
    placeholderData: keepPreviousData,
    refetchInterval: goesOn ? 3_000 : false,
  });
  return (
    <Shown query={log}>
      {(lines) =>
        lines.length === 0 ? (
          <Text size="sm" c="dimmed">
            {t(goesOn ? 'activity.silent' : 'activity.saidNothing')}
          </Text>
        ) : (
          <Box
            className={classes['log'] ?? ''}
            mod={{ tail: goesOn }}
            tabIndex={0}
            role="log"
            aria-label={t('activity.log')}
          >
            <div>
              {numbered(lines).map(({ number, at, level, message }) => (
                <div key={number} className={classes['line']} data-level={level}>
                  <time dateTime={at}>{formatClock(at, timezone, i18n.language)}</time>
                  <span className={classes['level']}>{level}</span>
                  <span>{message}</span>
                </div>
              ))}
            </div>
          </Box>
        )
      }
    </Shown>
  );
}

function numbered<Line>(lines: readonly Line[]): (Line & { number: number })[] {
  return lines.map((line, number) => ({ ...line, number }));
}
