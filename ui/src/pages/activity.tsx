import { Anchor, Button, Center, Group, Select, Stack, Text } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link, useSearchParams } from 'wouter';
import type { RunView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Page, Section } from '../parts/page.tsx';
import { RunProgress } from '../parts/run-progress.tsx';
import { operations, useRunWords } from '../parts/run-words.ts';
import { Empty, Shown } from '../parts/shown.tsx';
import { Time, useNow } from '../parts/time.tsx';
import { useFormat } from '../parts/use-format.ts';
import { BackupLink } from './activity/backup-link.tsx';
import { secondsOf } from './activity/result.ts';

const states = ['running', 'succeeded', 'partial', 'failed', 'cancelled'] as const;
const step = 50;
const most = 500;

/** What is being done, and what was. */
export function Activity() {
  const { t } = useTranslation();
  const [params, setParams] = useSearchParams();
  const [limit, setLimit] = useState(step);
  const filter = {
    source: params.get('source') ?? undefined,
    operation: params.get('operation') ?? undefined,
    state: states.find((each) => each === params.get('state')),
  };
  const runs = useQuery({
    queryKey: ['runs', filter, limit],
    queryFn: ({ signal }) => call('GET', '/runs', { query: { ...filter, limit }, signal }),
    placeholderData: keepPreviousData,
  });
  const choose = (name: string, value: string | null) => {
    setLimit(step);
    setParams(
      (before) => {
        const rest = Array.from(before).filter(([key]) => key !== name);
        return new URLSearchParams(value === null ? rest : [...rest, [name, value]]);
      },
      { replace: true },
    );
  };
  const filtered = Object.values(filter).some((value) => value !== undefined);
  return (
    <Page title={t('activity.title')} about={t('activity.about')}>
      <Filters filter={filter} onChoose={choose} />
      <Shown query={runs} lines={6}>
        {(all) => {
          const running = all.filter(({ finishedAt }) => finishedAt === null);
          const ended = all.filter(({ finishedAt }) => finishedAt !== null);
          if (all.length === 0) return <Empty text={t(filtered ? 'activity.noneSuch' : 'activity.none')} />;
          return (
            <Stack gap="lg">
              {running.length === 0 ? null : (
                <Section title={t('activity.running')}>
                  {running.map((run) => (
                    <Running key={run.id} run={run} />
                  ))}
                </Section>
              )}
              {ended.length === 0 ? null : (
                <Section title={t('activity.ended')}>
                  <Ended runs={ended} />
                </Section>
              )}
              {all.length < limit || limit >= most ? null : (
                <Center>
                  <Button
                    variant="default"
                    onClick={() => setLimit(Math.min(most, limit * 2))}
                    loading={runs.isFetching}
                  >
                    {t('state.more')}
                  </Button>
                </Center>
              )}
            </Stack>
          );
        }}
      </Shown>
    </Page>
  );
}

function Filters({
  filter,
  onChoose,
}: {
  filter: { source: string | undefined; operation: string | undefined; state: string | undefined };
  onChoose: (name: string, value: string | null) => void;
}) {
  const { t } = useTranslation();
  const words = useRunWords();
  const sources = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => call('GET', '/sources', { signal }) });
  const names = sources.data?.map(({ name }) => name) ?? [];
  const data = {
    source: filter.source === undefined || names.includes(filter.source) ? names : [...names, filter.source],
    operation: operations.map((value) => ({ value, label: words.operation(value) })),
    state: states.map((value) => ({ value, label: t(`states.${value}`) })),
  };
  return (
    <Group gap="sm" role="search" aria-label={t('activity.filter')}>
      {(['source', 'operation', 'state'] as const).map((name) => (
        <Select
          key={name}
          label={t(`activity.${name}`)}
          placeholder={t('activity.all')}
          data={data[name]}
          value={filter[name] ?? null}
          onChange={(value) => onChoose(name, value)}
          clearable
          clearButtonProps={{ 'aria-label': t('activity.all') }}
          w={{ base: '100%', xs: 180 }}
        />
      ))}
    </Group>
  );
}

function Running({ run }: { run: RunView }) {
  const { t } = useTranslation();
  return (
    <Stack gap={4}>
      <RunProgress run={run} />
      <Anchor component={Link} href={`/activity/${run.id}`} size="sm">
        {t('activity.watch', { source: run.source ?? t('activity.everything') })}
      </Anchor>
    </Stack>
  );
}

function Ended({ runs }: { runs: readonly RunView[] }) {
  const { t } = useTranslation();
  const words = useRunWords();
  const format = useFormat();
  const now = useNow();
  return (
    <DataTable
      label={t('activity.ended')}
      rows={runs}
      keyOf={({ id }) => id}
      columns={[
        {
          title: t('activity.operation'),
          cell: (run) => (
            <Anchor component={Link} href={`/activity/${run.id}`} size="sm">
              {words.operation(run.operation)}
            </Anchor>
          ),
        },
        {
          title: t('activity.state'),
          cell: ({ state, error }) => (
            <Stack gap={0}>
              <StateBadge state={state} />
              {error === null ? null : (
                <Text span size="xs" c="dimmed" lineClamp={2}>
                  {error.message}
                </Text>
              )}
            </Stack>
          ),
        },
        { title: t('activity.source'), cell: ({ source }) => source ?? t('activity.everything') },
        { title: t('activity.backup'), cell: (run) => <BackupLink run={run} /> },
        { title: t('activity.trigger'), cell: ({ trigger }) => words.trigger(trigger) },
        { title: t('activity.began'), cell: ({ startedAt }) => <Time at={startedAt} /> },
        { title: t('activity.took'), right: true, cell: (run) => format.seconds(secondsOf(run, now)) },
      ]}
    />
  );
}
