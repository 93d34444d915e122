import { Button, Center, Group, Radio, Select, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { BackupView } from '../../../../src/api/contract.ts';
import { call } from '../../api/client.ts';
import { ProofBadge } from '../../parts/badge.tsx';
import { Empty, Shown } from '../../parts/shown.tsx';
import { Time } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { matches, offered } from './offered.ts';
import classes from './choose-backup.module.css';
import { UploadDump } from './upload-dump.tsx';
import { newWish, withBackup, type Wish } from './wish.ts';

interface ChooseBackupProps {
  names: string[];
  wish: Wish;
  onChange: (wish: Wish) => void;
}

/** A source, and one of its whole backups. */
export function ChooseBackup({ names, wish, onChange }: ChooseBackupProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      {names.length > 1 || !names.includes(wish.source) ? (
        <Select
          label={t('restore.source')}
          placeholder={t('restore.chooseSource')}
          data={names}
          value={wish.source === '' ? null : wish.source}
          onChange={(source) => onChange(newWish(source ?? '', ''))}
          searchable={names.length > 7}
          w={{ base: '100%', xs: 320 }}
        />
      ) : null}
      {wish.source === '' ? null : (
        <>
          <Backups key={wish.source} wish={wish} onChange={onChange} />
          <UploadDump
            key={`upload ${wish.source}`}
            source={wish.source}
            onTaken={(id) => onChange(withBackup(wish, id))}
          />
        </>
      )}
    </Stack>
  );
}

function Backups({ wish, onChange }: Omit<ChooseBackupProps, 'names'>) {
  const { t } = useTranslation();
  const [search, setSearch] = useState('');
  const { source, id } = wish;
  const backups = useInfiniteQuery({
    queryKey: ['backups', source, 'to restore'],
    queryFn: ({ pageParam, signal }) =>
      call('GET', '/backups', { query: { source, limit: 100, ...(pageParam && { cursor: pageParam }) }, signal }),
    initialPageParam: '',
    getNextPageParam: ({ next }) => next,
  });
  // The one an address names may be far down the list.
  const named = useQuery({
    queryKey: ['backup', source, id],
    queryFn: ({ signal }) => call('GET', '/backups/{source}/{id}', { params: { source, id }, signal }),
    enabled: id !== '',
  });
  const choose = (chosen: string) => onChange(withBackup(wish, chosen));
  return (
    <Shown query={backups}>
      {({ pages }) => {
        const all = pages.flatMap(({ items }) => items);
        const list = offered(all, named.data?.backup ?? null);
        const found = list.filter((backup) => matches(backup, search));
        if (list.length === 0) return <Empty title={t('restore.none')} text={t('restore.noneText')} />;
        return (
          <Stack gap="sm">
            {list.length > 5 ? (
              <TextInput
                aria-label={t('restore.search')}
                placeholder={t('restore.search')}
                leftSection={<IconSearch size={16} aria-hidden />}
                value={search}
                onChange={(event) => setSearch(event.currentTarget.value)}
              />
            ) : null}
            <Radio.Group aria-label={t('restore.backup')} value={id} onChange={choose}>
              <Stack gap={6} className={classes['list'] ?? ''}>
                {found.map((backup) => (
                  <Choice key={backup.id} backup={backup} />
                ))}
              </Stack>
            </Radio.Group>
            {found.length === 0 ? (
              <Text size="sm" c="dimmed">
                {t('restore.notFound')}
              </Text>
            ) : null}
            {backups.hasNextPage ? (
              <Center>
                <Button
                  variant="default"
                  size="xs"
                  onClick={() => void backups.fetchNextPage()}
                  loading={backups.isFetchingNextPage}
                >
                  {t('state.more')}
                </Button>
              </Center>
            ) : null}
          </Stack>
        );
      }}
    </Shown>
  );
}

function Choice({ backup }: { backup: BackupView }) {
  const { t } = useTranslation();
  const format = useFormat();
  const { id, createdAt, bytes, description, drilled, verified, trigger } = backup;
  return (
    <Radio.Card value={id} className={classes['choice'] ?? ''}>
      <Group wrap="nowrap" gap="sm">
        <Radio.Indicator />
        <div className={classes['text']}>
          <Group gap={0} justify="space-between">
            <Text size="sm" fw={600}>
              {format.short(createdAt)}
            </Text>
            <Text size="sm" c="dimmed" component="div">
              <Time at={createdAt} /> · {format.bytes(bytes)}
            </Text>
          </Group>
          <Group gap={0} style={{ columnGap: 'var(--mantine-spacing-sm)' }}>
            <Text size="xs" c="dimmed" ff="monospace">
              {id}
            </Text>
            {drilled ? (
              <ProofBadge ok={drilled.ok} label={t('restore.drilled')} />
            ) : verified ? (
              <ProofBadge ok={verified.ok} label={t('restore.verified')} />
            ) : null}
            {trigger === 'safety' ? (
              <Text size="xs" c="dimmed">
                {t('triggers.safety')}
              </Text>
            ) : null}
          </Group>
          {description === null ? null : <Text size="sm">{description}</Text>}
        </div>
      </Group>
    </Radio.Card>
  );
}
