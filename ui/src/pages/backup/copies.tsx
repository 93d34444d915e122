import { Button, Stack, Text } from '@mantine/core';
import { IconCopyPlus } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { StateBadge } from '../../parts/badge.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { Said } from '../../parts/said.tsx';
import { Time } from '../../parts/time.tsx';
import { useBegin } from '../../parts/use-begin.ts';
import type { BackupDetail } from './manifest.ts';

/** Where it lies, and where it is still to come. */
export function Copies({ detail: { backup, pending } }: { detail: BackupDetail }) {
  const { t } = useTranslation();
  const mayCopy = useMay('copy') && backup.state === 'complete';
  const { source, id } = backup;
  const copy = useBegin((to: string) =>
    call('POST', '/backups/{source}/{id}/copy', { params: { source, id }, body: { to } }),
  );
  const rows = Object.entries(backup.copies).map(([storage, state]) => ({
    storage,
    state,
    owed: pending.find((each) => each.storage === storage),
  }));
  return (
    <DataTable
      label={t('backup.copies')}
      rows={rows}
      keyOf={({ storage }) => storage}
      columns={[
        { title: t('backup.storage'), cell: ({ storage }) => storage },
        { title: t('source.state'), cell: ({ state }) => <StateBadge state={state} /> },
        {
          title: t('backup.tries'),
          cell: ({ owed }) =>
            owed ? (
              <Stack gap={0}>
                <span>
                  {t('backup.triedSoFar', { count: owed.attempts })} <Time at={owed.nextAt} />
                </span>
                {owed.lastError ? (
                  <Text size="sm" c="dimmed">
                    <Said text={owed.lastError.message} />{' '}
                    {owed.lastError.hint ? <Said text={owed.lastError.hint} /> : null}
                  </Text>
                ) : null}
              </Stack>
            ) : (
              '–'
            ),
        },
        {
          title: t('source.actions'),
          actions: true,
          cell: ({ storage, state }) =>
            mayCopy && state !== 'complete' ? (
              <Button
                size="compact-sm"
                variant="default"
                leftSection={<IconCopyPlus size={14} aria-hidden />}
                loading={copy.isPending}
                onClick={() => copy.mutate(storage)}
              >
                {t('backup.copyNow')}
              </Button>
            ) : null,
        },
      ]}
    />
  );
}
