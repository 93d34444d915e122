import { Stack, Switch, Text, TextInput } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import type { Wish } from './wish.ts';

interface OptionsProps {
  wish: Wish;
  onChange: (wish: Wish) => void;
}

/** Folders go where they came from. */
export function FilesOptions({ wish, onChange }: OptionsProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <Text size="sm">{t('restore.filesWhere')}</Text>
      <Switch
        label={t('restore.safetyFiles')}
        description={t('restore.safetyText')}
        checked={wish.safetyBackup}
        onChange={(event) => onChange({ ...wish, safetyBackup: event.currentTarget.checked })}
      />
      <Switch
        label={t('restore.keepOldFiles')}
        description={t('restore.keepOldFilesText')}
        checked={wish.keepOld}
        onChange={(event) => onChange({ ...wish, keepOld: event.currentTarget.checked })}
      />
    </Stack>
  );
}

/** Bases are rebuilt in the application that is configured for the source. */
export function BasesOptions({ wish, onChange }: OptionsProps) {
  const { t } = useTranslation();
  return (
    <Stack gap="md">
      <Text size="sm">{t('restore.basesWhere')}</Text>
      {wish.what === 'attachments' ? null : (
        <>
          <TextInput
            label={t('restore.intoBase')}
            description={t('restore.intoBaseText')}
            autoComplete="off"
            w={{ base: '100%', xs: 320 }}
            value={wish.intoBase}
            onChange={(event) => onChange({ ...wish, intoBase: event.currentTarget.value })}
          />
          <Switch
            label={t('restore.skipExisting')}
            description={t('restore.skipExistingText')}
            checked={wish.skipExisting}
            onChange={(event) => onChange({ ...wish, skipExisting: event.currentTarget.checked })}
          />
        </>
      )}
      {wish.what === 'records' ? (
        <Switch
          label={t('restore.withAttachments')}
          checked={wish.withAttachments}
          onChange={(event) => onChange({ ...wish, withAttachments: event.currentTarget.checked })}
        />
      ) : null}
    </Stack>
  );
}
