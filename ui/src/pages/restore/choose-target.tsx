import { Button, Collapse, Fieldset, MultiSelect, Radio, Stack, Switch, Text, TextInput } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { IconChevronDown, IconChevronUp } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { Shown } from '../../parts/shown.tsx';
import { useFormat } from '../../parts/use-format.ts';
import { BasesOptions, FilesOptions } from './options-of-parts.tsx';
import { kindOf, partsIn, partValue, targetsOf, type Wish } from './wish.ts';

interface ChooseTargetProps {
  wish: Wish;
  onChange: (wish: Wish) => void;
}

/** Where to, how, and what is kept of what was there. */
export function ChooseTarget({ wish, inPlace, onChange }: ChooseTargetProps & { inPlace: boolean }) {
  const kind = kindOf(wish);
  if (kind === 'files') return <FilesOptions wish={wish} onChange={onChange} />;
  if (kind === 'bases') return <BasesOptions wish={wish} onChange={onChange} />;
  return <ChooseDatabase wish={wish} inPlace={inPlace} onChange={onChange} />;
}

function ChooseDatabase({ wish, inPlace, onChange }: ChooseTargetProps & { inPlace: boolean }) {
  const { t } = useTranslation();
  const targets = targetsOf(inPlace);
  const { target } = wish;
  const set = (change: Partial<Wish>) => onChange({ ...wish, ...change });
  return (
    <Stack gap="md">
      <Radio.Group
        aria-label={t('restore.where')}
        value={target}
        onChange={(value) => set({ target: targets.find((each) => each === value) ?? 'live', allow: [] })}
      >
        <Stack gap="sm">
          {targets.map((each) => (
            <Radio
              key={each}
              value={each}
              label={t(`restore.targets.${each}`)}
              description={t(`restore.targetTexts.${each}`)}
            />
          ))}
        </Stack>
      </Radio.Group>
      {target === 'other' ? (
        <TextInput
          label={t('restore.into')}
          description={t('restore.intoText')}
          autoComplete="off"
          required
          w={{ base: '100%', xs: 320 }}
          value={wish.into}
          onChange={(event) => set({ into: event.currentTarget.value })}
        />
      ) : null}
      {target === 'parts' ? <ChooseParts wish={wish} onChange={onChange} /> : null}
      {target === 'other' ? null : (
        <Switch
          label={t('restore.safety')}
          description={t('restore.safetyText')}
          checked={wish.safetyBackup}
          onChange={(event) => set({ safetyBackup: event.currentTarget.checked })}
        />
      )}
      {target === 'live' ? (
        <Switch
          label={t('restore.keepOld')}
          description={t('restore.keepOldText')}
          checked={wish.keepOld}
          onChange={(event) => set({ keepOld: event.currentTarget.checked })}
        />
      ) : null}
      <More wish={wish} onChange={onChange} />
    </Stack>
  );
}

function ChooseParts({ wish, onChange }: ChooseTargetProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const { source, id } = wish;
  const backup = useQuery({
    queryKey: ['backup', source, id],
    queryFn: ({ signal }) => call('GET', '/backups/{source}/{id}', { params: { source, id }, signal }),
    enabled: id !== '',
  });
  if (id === '') return <Text size="sm">{t('restore.backupFirst')}</Text>;
  return (
    <Shown query={backup} lines={1}>
      {({ manifest }) => {
        const schemas = partsIn(manifest);
        const data = schemas.map(({ schema, tables }) => ({
          group: schema,
          items: [
            ...(schema === '' ? [] : [{ value: partValue(schema, null), label: t('restore.wholeSchema', { schema }) }]),
            ...tables.map(({ name, rows }) => ({
              value: partValue(schema, name),
              label: labelOf(schema, name, rows === null ? null : format.number(rows)),
            })),
          ],
        }));
        return (
          <MultiSelect
            label={t('restore.parts')}
            description={t('restore.partsText')}
            data={data}
            value={[...wish.parts]}
            onChange={(parts) => onChange({ ...wish, parts })}
            searchable
            clearable
            limit={200}
            nothingFoundMessage={t('restore.notFound')}
          />
        );
      }}
    </Shown>
  );
}

/** Not every kind of database knows schemas. */
function labelOf(schema: string, name: string, rows: string | null): string {
  const title = schema === '' ? name : `${schema}.${name}`;
  return rows === null ? title : `${title} (${rows})`;
}

function More({ wish, onChange }: ChooseTargetProps) {
  const { t } = useTranslation();
  const [opened, { toggle }] = useDisclosure();
  return (
    <div>
      <Button
        variant="subtle"
        size="compact-sm"
        onClick={toggle}
        aria-expanded={opened}
        rightSection={opened ? <IconChevronUp size={16} aria-hidden /> : <IconChevronDown size={16} aria-hidden />}
      >
        {t('restore.more')}
      </Button>
      <Collapse expanded={opened}>
        <Fieldset mt="sm" legend={t('restore.more')}>
          <Stack gap="md">
            <Switch
              label={t('restore.noOwners')}
              description={t('restore.noOwnersText')}
              checked={wish.owners === 'none'}
              onChange={(event) => onChange({ ...wish, owners: event.currentTarget.checked ? 'none' : 'keep' })}
            />
            <Switch
              label={t('restore.refuse')}
              description={t('restore.refuseText')}
              checked={wish.sessions === 'refuse'}
              onChange={(event) =>
                onChange({ ...wish, sessions: event.currentTarget.checked ? 'refuse' : 'disconnect' })
              }
            />
          </Stack>
        </Fieldset>
      </Collapse>
    </div>
  );
}
