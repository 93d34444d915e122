import { Stack } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { LinkButton } from '../../parts/link-button.tsx';
import { Channels } from './channels.tsx';
import { Encryption } from './encryption.tsx';
import type { Path } from './fields.ts';
import { Limits } from './monitor.tsx';
import { ChoiceSetting, SettingsCard, TextSetting } from './setting.tsx';
import { useSettingsForm } from './use-settings-form.ts';

/** What counts for all sources. */
export function OfAll() {
  return (
    <Stack gap="md">
      <Clock />
      <Encryption at={['encryption']} />
      <Alerts />
      <Channels />
      <Limits at={['monitor']} />
    </Stack>
  );
}

function Clock() {
  const { t } = useTranslation();
  const at: Path = ['timezone'];
  const form = useSettingsForm([{ path: at, kind: 'text' }]);
  return (
    <SettingsCard title={t('settings.clock')} form={form}>
      <TextSetting form={form} path={at} label={t('settings.timezone')} about={t('settings.timezoneText')} />
    </SettingsCard>
  );
}

function Alerts() {
  const { t } = useTranslation();
  const level: Path = ['alerts', 'level'];
  const remind: Path = ['alerts', 'remindAfter'];
  const form = useSettingsForm([
    { path: level, kind: 'text' },
    { path: remind, kind: 'text' },
  ]);
  return (
    <SettingsCard title={t('settings.alerts')} about={t('settings.alertsText')} form={form}>
      <ChoiceSetting
        form={form}
        path={level}
        label={t('settings.level')}
        data={(['errors', 'warnings', 'all'] as const).map((value) => ({ value, label: t(`alerts.levels.${value}`) }))}
      />
      <TextSetting form={form} path={remind} label={t('settings.remind')} about={t('settings.remindText')} />
      <LinkButton variant="default" to="/alerts" w="fit-content">
        {t('settings.toAlerts')}
      </LinkButton>
    </SettingsCard>
  );
}
