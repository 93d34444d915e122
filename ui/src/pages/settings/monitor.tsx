import { SimpleGrid } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { textAt, type Path } from './fields.ts';
import { SettingsCard, TextSetting } from './setting.tsx';
import { useSettings, useSettingsForm } from './use-settings-form.ts';

const limits = [
  'minBackups',
  'maxSize',
  'maxAge',
  'overdue',
  'staleDrill',
  'staleVerify',
  'lateCopy',
  'sizeDrop',
  'sizeJump',
] as const;
const forAll = [...limits, 'minFree', 'every'] as const;

/** From when on something is a warning: for all sources, or what differs for one. */
export function Limits({ at }: { at: Path }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const ofAll = at[0] === 'monitor';
  const names = ofAll ? forAll : limits;
  const form = useSettingsForm(
    names.map((name) => ({ path: [...at, name], kind: name === 'minBackups' ? 'number' : 'text' })),
  );
  return (
    <SettingsCard
      title={t('settings.monitor')}
      about={t(ofAll ? 'settings.monitorText' : 'settings.monitorOfSource')}
      form={form}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }} spacing="md">
        {names.map((name) => (
          <TextSetting
            key={name}
            form={form}
            path={[...at, name]}
            label={t(`settings.limits.${name}`)}
            about={t(`settings.limitTexts.${name}`)}
            number={name === 'minBackups'}
            {...(ofAll ? {} : { placeholder: textAt(settings, ['monitor', name]) })}
          />
        ))}
      </SimpleGrid>
    </SettingsCard>
  );
}
