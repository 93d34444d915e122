import { Accordion, Card, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { DataTable } from '../../parts/data-table.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { schemasOf, type SchemaContents, type ShownDatabase } from './manifest.ts';

/** With more tables than this, one searches. */
const searchFrom = 12;

/** Schemas, in them tables with their rows, as they were counted in the same snapshot. */
export function Contents({ database }: { database: ShownDatabase }) {
  const { t } = useTranslation();
  const [wanted, setWanted] = useState('');
  const text = wanted.trim().toLowerCase();
  const schemas = schemasOf(database)
    .map((each) => ({ ...each, tables: each.tables.filter(({ name }) => name.toLowerCase().includes(text)) }))
    .filter(({ tables }) => text === '' || tables.length > 0);
  const names = schemas.map(({ schema }) => schema || database.name);
  return (
    <Stack gap="sm">
      {database.tables.length < searchFrom ? null : (
        <TextInput
          maw={360}
          leftSection={<IconSearch size={16} aria-hidden />}
          aria-label={t('backup.search')}
          placeholder={t('backup.search')}
          value={wanted}
          onChange={(event) => setWanted(event.currentTarget.value)}
        />
      )}
      {schemas.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('backup.noTable')}
        </Text>
      ) : (
        <Card withBorder padding={0}>
          <Accordion
            multiple
            order={4}
            key={text === '' ? 'all' : 'found'}
            defaultValue={text === '' && names.length > 1 ? [] : names}
          >
            {schemas.map((each) => (
              <Schema key={each.schema} contents={each} database={database.name} />
            ))}
          </Accordion>
        </Card>
      )}
    </Stack>
  );
}

interface SchemaProps {
  contents: SchemaContents;
  database: string;
}

function Schema({ contents: { schema, tables, rows, sequences }, database }: SchemaProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const facts = [
    t('backup.tables', { count: tables.length }),
    t('backup.rows', { count: rows, rows: format.number(rows) }),
    sequences === 0 ? null : t('backup.sequences', { count: sequences }),
  ];
  // Not every kind of database knows schemas; an item without a value cannot be opened.
  const title = schema === '' ? database : schema;
  return (
    <Accordion.Item value={title}>
      <Accordion.Control>
        <Group gap="sm">
          <Text fw={600} size="sm" miw={0} style={{ overflowWrap: 'anywhere' }}>
            {title}
          </Text>
          <Text size="sm" c="dimmed">
            {facts.filter(Boolean).join(' · ')}
          </Text>
        </Group>
      </Accordion.Control>
      <Accordion.Panel>
        <DataTable
          label={title}
          rows={tables}
          keyOf={({ name }) => name}
          columns={[
            { title: t('backup.table'), cell: ({ name }) => name },
            {
              title: t('backup.rowsTitle'),
              right: true,
              cell: (table) => (table.rows === null ? t('backup.uncounted') : format.number(table.rows)),
            },
          ]}
        />
      </Accordion.Panel>
    </Accordion.Item>
  );
}
