import { ActionIcon, Code, Group } from '@mantine/core';
import { IconDownload } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { BackupView } from '../../../../src/api/contract.ts';
import { addressOf } from '../../api/client.ts';
import { useMay } from '../../api/session.ts';
import { Copy } from '../../parts/copy.tsx';
import { DataTable } from '../../parts/data-table.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { ShownArtifact } from './manifest.ts';

/** The files of a backup as they are stored, each to be had by itself. */
export function Files({ backup, artifacts }: { backup: BackupView; artifacts: readonly ShownArtifact[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  const mayDownload = useMay('download');
  const params = { source: backup.source, id: backup.id };
  return (
    <DataTable
      label={t('backup.files')}
      rows={artifacts}
      keyOf={({ path }) => path}
      columns={[
        { title: t('backup.file'), cell: ({ path }) => path },
        {
          title: t('backup.format'),
          cell: (each) => [each.format, each.compression, each.encryption].filter(Boolean).join(', '),
        },
        { title: t('source.size'), right: true, cell: ({ bytes }) => format.bytes(bytes) },
        {
          title: 'SHA-256',
          cell: ({ sha256, path }) => (
            <Group gap={4} wrap="nowrap">
              <Code>{sha256.slice(0, 12)}…</Code>
              <Copy text={sha256} what={`SHA-256 ${path}`} />
            </Group>
          ),
        },
        {
          title: t('source.actions'),
          actions: true,
          cell: ({ path }) =>
            mayDownload ? (
              <ActionIcon
                component="a"
                variant="subtle"
                color="gray"
                download
                href={addressOf('/backups/{source}/{id}/artifact', params, { path })}
                aria-label={t('backup.downloadFile', { path })}
              >
                <IconDownload size={18} aria-hidden />
              </ActionIcon>
            ) : null,
        },
      ]}
    />
  );
}
