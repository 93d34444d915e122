import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import type { SavedTree } from '../../parts/saved.ts';
import { useFormat } from '../../parts/use-format.ts';

/** Folders that were saved: how much of what, and where it came from. */
export function Folders({ trees }: { trees: readonly SavedTree[] }) {
  const { t } = useTranslation();
  const format = useFormat();
  return (
    <DataTable
      label={t('backup.folders')}
      rows={trees}
      keyOf={({ name }) => name}
      columns={[
        { title: t('backup.folder'), cell: ({ name }) => name },
        { title: t('backup.from'), cell: ({ path }) => path ?? '–' },
        {
          title: t('backup.files'),
          right: true,
          cell: ({ files }) => (files === null ? '–' : format.number(files)),
        },
        { title: t('source.size'), right: true, cell: ({ bytes }) => (bytes === null ? '–' : format.bytes(bytes)) },
      ]}
    />
  );
}
