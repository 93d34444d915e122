import { Card, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { Section } from '../../parts/page.tsx';
import { textAt, valueAt } from './fields.ts';
import { useSettings } from './use-settings-form.ts';

/** Folders that are saved with the database: to be seen only, as a page that may name folders may read and replace any of the machine. */
export function Folders({ source }: { source: string }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const said = valueAt(settings, ['sources', source, 'files']);
  const folders = Array.isArray(said) ? (said as unknown[]) : [];
  if (folders.length === 0) return null;
  return (
    <Card withBorder>
      <Section title={t('settings.folders')}>
        <Text size="sm" c="dimmed">
          {t('settings.foldersText')}
        </Text>
        <DataTable
          label={t('settings.folders')}
          rows={folders}
          keyOf={(folder) => JSON.stringify(folder)}
          columns={[
            { title: t('settings.folder'), cell: (folder) => textAt(folder, ['path']) },
            { title: t('settings.folderName'), cell: (folder) => textAt(folder, ['name']) || '–' },
            {
              title: t('settings.leftOut'),
              cell: (folder) => {
                const excluded = valueAt(folder, ['exclude']);
                return Array.isArray(excluded) && excluded.length > 0 ? excluded.join(', ') : '–';
              },
            },
          ]}
        />
      </Section>
    </Card>
  );
}
