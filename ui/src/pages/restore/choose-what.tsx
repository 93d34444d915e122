import { MultiSelect, Radio, Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Saved } from '../../parts/saved.ts';
import { useFormat } from '../../parts/use-format.ts';
import { kindOf, offersOf, type Wish } from './wish.ts';

interface ChooseWhatProps {
  saved: Saved;
  wish: Wish;
  onChange: (wish: Wish) => void;
}

/** Which part of the backup: shown only where there is more than one, or where it consists of several things. */
export function ChooseWhat({ saved, wish, onChange }: ChooseWhatProps) {
  const { t } = useTranslation();
  const format = useFormat();
  const offers = offersOf(saved);
  const kind = kindOf(wish);
  const set = (change: Partial<Wish>) => onChange({ ...wish, ...change });
  const bases = saved.app?.bases ?? [];
  const inChosen = bases.filter(({ title }) => wish.bases.length === 0 || wish.bases.includes(title));
  const unique = (titles: string[]) => [...new Set(titles)];
  return (
    <Stack gap="md">
      {offers.length < 2 ? null : (
        <Radio.Group
          label={t('restore.part')}
          value={wish.what}
          onChange={(value) => set({ what: offers.find((each) => each === value) ?? 'all', allow: [] })}
        >
          <Stack gap="sm" mt="xs">
            {offers.map((each) => (
              <Radio
                key={each}
                value={each}
                label={t(`restore.whats.${each}`)}
                description={t(`restore.whatTexts.${each}`)}
              />
            ))}
          </Stack>
        </Radio.Group>
      )}
      {kind === 'files' && saved.trees.length > 1 ? (
        <MultiSelect
          label={t('restore.trees')}
          description={t('restore.emptyIsAll')}
          data={saved.trees.map(({ name, bytes }) => ({
            value: name,
            label: bytes === null ? name : `${name} (${format.bytes(bytes)})`,
          }))}
          value={[...wish.trees]}
          onChange={(trees) => set({ trees })}
          searchable
          clearable
        />
      ) : null}
      {kind === 'bases' ? (
        <>
          <MultiSelect
            label={t('restore.bases')}
            description={t('restore.emptyIsAll')}
            data={unique(bases.map(({ title }) => title))}
            value={[...wish.bases]}
            onChange={(chosen) => set({ bases: chosen, baseTables: [] })}
            searchable
            clearable
          />
          <MultiSelect
            label={t('restore.baseTables')}
            description={t('restore.emptyIsAll')}
            data={unique(inChosen.flatMap(({ tables }) => tables.map(({ title }) => title)))}
            value={[...wish.baseTables]}
            onChange={(baseTables) => set({ baseTables })}
            searchable
            clearable
            limit={200}
            nothingFoundMessage={t('restore.notFound')}
          />
        </>
      ) : null}
    </Stack>
  );
}
