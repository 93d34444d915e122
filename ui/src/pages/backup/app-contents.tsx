import { Card, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { Facts } from '../../parts/facts.tsx';
import type { SavedApp } from '../../parts/saved.ts';
import { useFormat } from '../../parts/use-format.ts';

const names: Readonly<Record<string, string>> = { nocodb: 'NocoDB', nocobase: 'NocoBase' };

/** The application that was saved; of one that was saved through its API, every table of every base. */
export function AppContents({ app }: { app: SavedApp }) {
  const { t } = useTranslation();
  const format = useFormat();
  const rows = app.bases.flatMap(({ title, tables }) => tables.map((table) => ({ base: title, ...table })));
  return (
    <Stack gap="sm">
      <Card withBorder padding="md">
        <Facts
          items={[
            { name: t('backup.app'), value: [names[app.kind] ?? app.kind, app.version].filter(Boolean).join(' ') },
            ...(app.address === null ? [] : [{ name: t('backup.from'), value: app.address }]),
            ...(app.bases.length === 0 ? [] : [{ name: t('backup.bases'), value: format.number(app.bases.length) }]),
          ]}
        />
      </Card>
      {rows.length === 0 ? null : (
        <DataTable
          label={t('backup.bases')}
          rows={rows}
          keyOf={({ base, title }) => JSON.stringify([base, title])}
          columns={[
            { title: t('backup.base'), cell: ({ base }) => base },
            { title: t('backup.table'), cell: ({ title }) => title },
            {
              title: t('backup.records'),
              right: true,
              cell: ({ records }) => (records === null ? t('backup.uncounted') : format.number(records)),
            },
            { title: t('backup.attachments'), right: true, cell: ({ attachments }) => format.number(attachments) },
          ]}
        />
      )}
    </Stack>
  );
}
