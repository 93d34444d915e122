import { Alert, List } from '@mantine/core';
import { IconAlertTriangle } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { Section } from '../../parts/page.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { Result } from './result.ts';

/** Folders that came back, and what was rebuilt through the API of an application. */
export function RestoredParts({ result: { files, tables, lost, lostCount } }: { result: Result }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <>
      {lost.length === 0 ? null : (
        <Alert
          color="yellow"
          variant="light"
          icon={<IconAlertTriangle aria-hidden />}
          title={t('activity.lost', { count: lostCount })}
        >
          <List size="sm" lang="en" style={{ overflowWrap: 'anywhere' }}>
            {lost.map((line) => (
              <List.Item key={line}>{line}</List.Item>
            ))}
          </List>
        </Alert>
      )}
      {files.length === 0 ? null : (
        <Section title={t('backup.folders')}>
          <DataTable
            label={t('backup.folders')}
            rows={files}
            keyOf={({ name }) => name}
            columns={[
              { title: t('backup.folder'), cell: ({ name }) => name },
              { title: t('activity.target'), cell: ({ target }) => target },
              { title: t('activity.keptAs'), cell: ({ previous }) => previous ?? '–' },
            ]}
          />
        </Section>
      )}
      {tables.length === 0 ? null : (
        <Section title={t('activity.tables')}>
          <DataTable
            label={t('activity.tables')}
            rows={tables}
            keyOf={({ base, table }) => JSON.stringify([base, table])}
            columns={[
              { title: t('backup.base'), cell: ({ base }) => base },
              { title: t('backup.table'), cell: ({ table }) => table },
              { title: t('activity.expected'), right: true, cell: ({ expected }) => format.number(expected) },
              { title: t('activity.actual'), right: true, cell: ({ restored }) => format.number(restored) },
              { title: t('backup.attachments'), right: true, cell: (each) => format.number(each.attachments) },
            ]}
          />
        </Section>
      )}
    </>
  );
}
