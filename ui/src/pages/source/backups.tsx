import { Anchor, Button, Code, Group, Stack, Text } from '@mantine/core';
import { IconLock } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { Link } from 'wouter';
import type { BackupView, SourceView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { Sign, StateBadge } from '../../parts/badge.tsx';
import { DataTable, type Column } from '../../parts/data-table.tsx';
import { Section } from '../../parts/page.tsx';
import { Empty, Shown } from '../../parts/shown.tsx';
import { Time } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { BackupActions } from './backup-actions.tsx';
import { Proofs } from './proofs.tsx';
import { Timeline } from './timeline.tsx';

const atOnce = 50;

/** All backups of a source, newest first, so many at once. */
export function Backups({ source }: { source: SourceView }) {
  const { t } = useTranslation();
  const query = useInfiniteQuery({
    queryKey: ['backups', source.name],
    queryFn: ({ pageParam, signal }) =>
      call('GET', '/backups', {
        query: { source: source.name, limit: atOnce, ...(pageParam === null ? {} : { cursor: pageParam }) },
        signal,
      }),
    initialPageParam: null as string | null,
    getNextPageParam: ({ next }) => next,
  });
  return (
    <Section title={t('source.backups')}>
      <Shown query={query}>
        {({ pages }) => {
          const backups = pages.flatMap(({ items }) => items);
          if (backups.length === 0) return <Empty title={t('source.none')} text={t('source.noneText')} />;
          return (
            <Stack gap="md">
              <Timeline backups={backups} />
              <List source={source} backups={backups} />
              {query.hasNextPage ? (
                <Group justify="center">
                  <Button
                    variant="default"
                    onClick={() => void query.fetchNextPage()}
                    loading={query.isFetchingNextPage}
                  >
                    {t('state.more')}
                  </Button>
                </Group>
              ) : null}
            </Stack>
          );
        }}
      </Shown>
    </Section>
  );
}

function List({ source, backups }: { source: SourceView; backups: readonly BackupView[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const columns: Column<BackupView>[] = [
    {
      title: t('source.made'),
      cell: ({ id, createdAt }) => (
        <>
          <Anchor component={Link} href={`/sources/${encodeURIComponent(source.name)}/${id}`} size="sm" fw={600}>
            <Time at={createdAt} exact />
          </Anchor>
          <Code block={false} bg="none" p={0} c="dimmed" fz="xs" display="block">
            {id}
          </Code>
        </>
      ),
    },
    {
      title: t('source.state'),
      cell: ({ state, held }) => (
        <Stack gap={2}>
          <StateBadge state={state} />
          {held ? <Sign icon={IconLock} color="cyan" label={t('source.held')} told={t('source.heldTold')} /> : null}
        </Stack>
      ),
    },
    { title: t('source.size'), right: true, cell: ({ bytes }) => format.bytes(bytes) },
    {
      title: t('source.copies'),
      cell: ({ copies }) => (
        <Stack gap={2}>
          {Object.entries(copies).map(([storage, state]) => (
            <StateBadge key={storage} state={state} label={storage} told={`${storage}: ${t(`states.${state}`)}`} />
          ))}
        </Stack>
      ),
    },
    { title: t('source.proven'), cell: (backup) => <Proofs backup={backup} /> },
    {
      title: t('source.about'),
      cell: ({ description }) => (
        <Text size="sm" maw={260}>
          {description ?? '–'}
        </Text>
      ),
    },
    { title: t('source.actions'), actions: true, cell: (backup) => <BackupActions source={source} backup={backup} /> },
  ];
  return <DataTable label={t('source.backups')} columns={columns} rows={backups} keyOf={({ id }) => id} />;
}
