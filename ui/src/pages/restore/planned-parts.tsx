import { List, Stack, Text } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { useFormat } from '../../parts/use-format.ts';
import type { Plan } from './wish.ts';

/** Folders that would come back. */
export function PlannedFiles({ files }: Pick<Plan, 'files'>) {
  const { t } = useTranslation();
  const format = useFormat();
  if (files.length === 0) return null;
  return (
    <DataTable
      label={t('backup.folders')}
      rows={files}
      keyOf={({ name }) => name}
      columns={[
        { title: t('backup.folder'), cell: ({ name }) => name },
        { title: t('restore.target'), cell: ({ target }) => target },
        { title: t('restore.there'), cell: ({ replaces }) => t(replaces ? 'restore.replaced' : 'restore.created') },
        { title: t('backup.files'), right: true, cell: ({ files: count }) => format.number(count) },
        { title: t('source.size'), right: true, cell: ({ bytes }) => format.bytes(bytes) },
      ]}
    />
  );
}

const lists = ['blocks', 'cannot', 'creates', 'skips'] as const;
const shown = 50;

/** What would become of bases, tables and records; the lines are the server's, which speaks English. */
export function PlannedBases({ plan }: { plan: Plan }) {
  const { t } = useTranslation();
  return lists.map((name) => {
    const lines = plan[name];
    if (lines.length === 0) return null;
    return (
      <Stack key={name} gap={4}>
        <Text size="sm" fw={600}>
          {t(`restore.planned.${name}`)}
        </Text>
        <List size="sm" lang="en" style={{ overflowWrap: 'anywhere' }}>
          {lines.slice(0, shown).map((line) => (
            <List.Item key={line}>{line}</List.Item>
          ))}
        </List>
        {lines.length > shown ? <Text size="sm">{t('restore.andMore', { count: lines.length - shown })}</Text> : null}
      </Stack>
    );
  });
}
