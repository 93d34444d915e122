import { Card, Group, Progress, Stack, Text } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import type { RunView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { useLive } from '../api/live.ts';
import { timeLeft } from './format.ts';
import { StateBadge } from './badge.tsx';
import { CancelRun } from './cancel-run.tsx';
import { Time } from './time.tsx';
import { useFormat } from './use-format.ts';
import { useRunWords } from './run-words.ts';

/** A run as it moves on; told by events, and asked for while there are none. */
export function useRun(run: RunView): RunView {
  const live = useLive();
  const { data } = useQuery({
    queryKey: ['run', run.id],
    queryFn: ({ signal }) => call('GET', '/runs/{id}', { params: { id: run.id }, signal }),
    initialData: run,
    staleTime: Infinity,
    refetchInterval: ({ state }) => (live || state.data?.finishedAt ? false : 2_000),
  });
  return data;
}

/** How far a run has come: part, bytes, rate, time left, with a way to end it. */
export function RunProgress({ run: given, plain = false }: { run: RunView; plain?: boolean }) {
  const { t } = useTranslation();
  const run = useRun(given);
  const { operation } = useRunWords();
  const over = run.finishedAt !== null;
  const content = (
    <Stack gap={6}>
      <Group justify="space-between" gap="xs">
        <Group gap="sm">
          <StateBadge state={run.state} label={`${operation(run.operation)}: ${t(`states.${run.state}`)}`} />
          <Text size="sm" c="dimmed" component="div">
            {t('run.since')} <Time at={run.startedAt} />
          </Text>
        </Group>
        <CancelRun run={run} />
      </Group>
      {over ? null : <Bar run={run} name={operation(run.operation)} />}
    </Stack>
  );
  return plain ? (
    content
  ) : (
    <Card withBorder padding="sm">
      {content}
    </Card>
  );
}

function Bar({ run: { progress }, name }: { run: RunView; name: string }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { step } = useRunWords();
  const share = progress?.total ? Math.min(100, (progress.bytes / progress.total) * 100) : null;
  const left = progress ? timeLeft(progress) : null;
  const facts = progress
    ? [
        step(progress.step),
        progress.part === progress.step ? null : progress.part,
        progress.total === null
          ? format.bytes(progress.bytes)
          : t('run.of', { bytes: format.bytes(progress.bytes), total: format.bytes(progress.total) }),
        progress.rate === null ? null : t('run.rate', { rate: format.bytes(progress.rate) }),
        left === null ? null : t('run.left', { time: format.seconds(Math.ceil(left)) }),
      ]
    : [t('run.begins')];
  return (
    <>
      <Progress.Root size="md">
        <Progress.Section
          value={share ?? 100}
          animated={share === null}
          aria-label={name}
          {...(share === null ? { 'aria-valuetext': facts.filter(Boolean).join(', ') } : {})}
        />
      </Progress.Root>
      <Text size="sm" c="dimmed" style={{ fontVariantNumeric: 'tabular-nums', overflowWrap: 'anywhere' }}>
        {facts.filter(Boolean).join(' · ')}
      </Text>
    </>
  );
}
