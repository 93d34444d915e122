import { Text } from '@mantine/core';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { SourceView } from '../../../src/api/contract.ts';
import { ProofBadge } from './badge.tsx';
import { Spark } from './spark.tsx';
import { Time } from './time.tsx';
import { useFormat } from './use-format.ts';

/** What one asks of a source first: last, next, proven, where, how large. */
export function useSourceFacts(source: SourceView): { name: string; value: ReactNode }[] {
  const { t } = useTranslation();
  const format = useFormat();
  const unplanned = source.scheduling ? t('overview.unplanned') : t('overview.notScheduling');
  const next = source.next.find(({ plan }) => plan.startsWith('backup/'));
  return [
    {
      name: t('overview.lastGood'),
      value: source.newest ? (
        <Two above={<Time at={source.newest.createdAt} />} below={format.bytes(source.newest.bytes)} />
      ) : (
        t('overview.never')
      ),
    },
    {
      name: t('overview.next'),
      value: next ? <Two above={<Time at={next.at} />} below={format.short(next.at)} /> : unplanned,
    },
    {
      name: t('overview.drill'),
      value: source.drilled ? (
        <Two
          above={<Time at={source.drilled.at} />}
          below={
            <ProofBadge
              ok={source.drilled.ok}
              label={
                source.drilled.ok ? t('proof.ok', { time: format.seconds(source.drilled.seconds) }) : t('proof.bad')
              }
            />
          }
        />
      ) : (
        t('overview.never')
      ),
    },
    {
      name: t('overview.storage'),
      value: source.storages.map(({ name, copies, bytes }) => (
        <div key={name}>
          {name}{' '}
          <Text span size="sm" c="dimmed">
            {t('overview.copies', { count: copies })}, {format.bytes(bytes)}
          </Text>
        </div>
      )),
    },
    {
      name: t('overview.trend'),
      value:
        source.sizes.length < 2 ? (
          <Text size="sm" c="dimmed">
            {t('overview.trendNone')}
          </Text>
        ) : (
          <Spark
            values={source.sizes.map(({ bytes }) => bytes)}
            label={t('overview.trendLabel', {
              count: source.sizes.length,
              bytes: format.bytes(source.sizes.at(-1)?.bytes ?? 0),
            })}
          />
        ),
    },
  ];
}

function Two({ above, below }: { above: ReactNode; below: ReactNode }) {
  return (
    <>
      <div>{above}</div>
      <Text component="div" size="sm" c="dimmed">
        {below}
      </Text>
    </>
  );
}
