import { Anchor, Button, Center, Group, Select, Stack, Text, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { z } from 'zod';
import type { auditView } from '../../../src/api/contract.ts';
import { call } from '../api/client.ts';
import { StateBadge } from '../parts/badge.tsx';
import { DataTable } from '../parts/data-table.tsx';
import { Page } from '../parts/page.tsx';
import { Empty, Shown } from '../parts/shown.tsx';
import { Time } from '../parts/time.tsx';
import { deeds, isDeed, type Deed } from './audit/deeds.ts';

type Entry = z.output<typeof auditView>;

const step = 50;

/** Who did what, from where. */
export function Audit() {
  const { t } = useTranslation();
  const [who, setWho] = useState('');
  const [source, setSource] = useState<string | null>(null);
  const [action, setAction] = useState<string | null>(null);
  const [typed] = useDebouncedValue(who.trim(), 300);
  const filter = { who: typed === '' ? undefined : typed, source: source ?? undefined, action: action ?? undefined };
  const audit = useInfiniteQuery({
    queryKey: ['audit', filter],
    queryFn: ({ pageParam, signal }) =>
      call('GET', '/audit', { query: { ...filter, limit: step, ...(pageParam && { cursor: pageParam }) }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
    placeholderData: keepPreviousData,
  });
  const sources = useQuery({ queryKey: ['sources'], queryFn: ({ signal }) => call('GET', '/sources', { signal }) });
  return (
    <Page title={t('audit.title')} about={t('audit.about')}>
      <Group gap="sm" role="search" aria-label={t('audit.filter')}>
        <TextInput
          label={t('audit.who')}
          placeholder={t('audit.everybody')}
          value={who}
          onChange={(event) => setWho(event.currentTarget.value)}
          w={{ base: '100%', xs: 180 }}
        />
        <Select
          label={t('audit.action')}
          placeholder={t('audit.everything')}
          data={deeds.map((value) => ({ value, label: t(`audit.deeds.${value}`) }))}
          value={action}
          onChange={setAction}
          searchable
          clearable
          clearButtonProps={{ 'aria-label': t('audit.everything') }}
          w={{ base: '100%', xs: 240 }}
        />
        <Select
          label={t('audit.source')}
          placeholder={t('audit.all')}
          data={sources.data?.map(({ name }) => name) ?? []}
          value={source}
          onChange={setSource}
          clearable
          clearButtonProps={{ 'aria-label': t('audit.all') }}
          w={{ base: '100%', xs: 180 }}
        />
      </Group>
      <Shown query={audit} lines={6}>
        {({ pages }) => {
          const entries = pages.flatMap(({ items }) => items);
          if (entries.length === 0) return <Empty text={t('audit.none')} />;
          return (
            <Stack gap="md">
              <Entries entries={entries} />
              {audit.hasNextPage ? (
                <Center>
                  <Button
                    variant="default"
                    onClick={() => void audit.fetchNextPage()}
                    loading={audit.isFetchingNextPage}
                  >
                    {t('state.more')}
                  </Button>
                </Center>
              ) : null}
            </Stack>
          );
        }}
      </Shown>
    </Page>
  );
}

const signs = {
  done: 'succeeded',
  started: 'running',
  partial: 'partial',
  refused: 'warning',
  failed: 'failed',
  cancelled: 'cancelled',
} as const;

function Entries({ entries }: { entries: readonly Entry[] }) {
  const { t } = useTranslation();
  return (
    <DataTable
      label={t('audit.title')}
      rows={entries}
      keyOf={({ number }) => String(number)}
      columns={[
        { title: t('audit.at'), cell: ({ at }) => <Time at={at} exact /> },
        {
          title: t('audit.who'),
          cell: ({ who, via, action }) => (
            <Stack gap={0}>
              <span>{who}</span>
              <Text span size="xs" c="dimmed">
                {comesIn.has(action) ? null : viaWord(via)}
              </Text>
            </Stack>
          ),
        },
        { title: t('audit.from'), cell: ({ from }) => from ?? '–' },
        { title: t('audit.action'), cell: ({ action }) => (isDeed(action) ? t(`audit.deeds.${action}`) : action) },
        {
          title: t('audit.on'),
          cell: ({ source, target }) => [source, target].filter((each) => each !== null).join(' / ') || '–',
        },
        {
          title: t('audit.outcome'),
          cell: ({ outcome, detail, run }) => (
            <Stack gap={0}>
              <Outcome outcome={outcome} />
              {detail === null ? null : (
                <Text span size="xs" c="dimmed">
                  {detail}
                </Text>
              )}
              {run === null ? null : (
                <Anchor component={Link} href={`/activity/${run}`} size="xs">
                  {t('audit.run')}
                </Anchor>
              )}
            </Stack>
          ),
        },
      ]}
    />
  );

  function viaWord(via: string): string {
    const known = vias.find((each) => each === via);
    return known ? t(`audit.vias.${known}`) : via;
  }
}

/** Nobody is signed in before. */
const comesIn: ReadonlySet<string> = new Set<Deed>(['signIn', 'setUp']);

const vias = ['session', 'token', 'cli', 'daemon', 'none'] as const;

function Outcome({ outcome }: { outcome: string }) {
  const { t } = useTranslation();
  if (!isOutcome(outcome)) return outcome;
  return <StateBadge state={signs[outcome]} label={t(`audit.outcomes.${outcome}`)} />;
}

function isOutcome(outcome: string): outcome is keyof typeof signs {
  return Object.hasOwn(signs, outcome);
}
