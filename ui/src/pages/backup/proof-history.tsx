import { Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { ProofBadge } from '../../parts/badge.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { Time } from '../../parts/time.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { BackupDetail } from './manifest.ts';

/** Every verification and drill, newest first. */
export function ProofHistory({ proofs }: { proofs: BackupDetail['proofs'] }) {
  const { t } = useTranslation();
  const format = useFormat();
  if (proofs.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        {t('backup.noProofs')}
      </Text>
    );
  }
  return (
    <DataTable
      label={t('backup.proofs')}
      rows={proofs}
      keyOf={({ kind, at, storage }) => `${kind} ${at} ${storage}`}
      columns={[
        {
          title: t('backup.result'),
          cell: ({ kind, ok }) => (
            <ProofBadge ok={ok} label={`${t(`operations.${kind}`)}: ${ok ? t('backup.passed') : t('backup.failed')}`} />
          ),
        },
        { title: t('backup.when'), cell: ({ at }) => <Time at={at} exact /> },
        { title: t('backup.storage'), cell: ({ storage }) => storage },
        {
          title: t('backup.depth'),
          cell: ({ depth }) =>
            depth === 'structure'
              ? t('backup.structure')
              : depth === 'checksum'
                ? t('backup.checksum')
                : t('backup.whole'),
        },
        { title: t('backup.took'), right: true, cell: ({ seconds }) => format.seconds(seconds) },
      ]}
    />
  );
}
