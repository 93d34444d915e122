import { List, Radio, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { call } from '../../api/client.ts';
import { formatExact } from '../../parts/format.ts';
import { valueAt, type Path } from './fields.ts';
import { ChoiceSetting, SettingsCard, TextSetting } from './setting.tsx';
import { useSettings, useSettingsForm } from './use-settings-form.ts';

const modes = ['off', 'cron', 'every'] as const;

/** When backups are taken by themselves, with the next times while one still types. */
export function Schedule({ source }: { source: string }) {
  const { t } = useTranslation();
  const { settings } = useSettings();
  const base: Path = ['sources', source, 'schedule'];
  const at = (name: string): Path => [...base, name];
  const before = modeOf(valueAt(settings, base));
  const [chosen, setChosen] = useState<(typeof modes)[number] | null>(null);
  const mode = chosen ?? before;
  const form = useSettingsForm(
    [
      { path: at('cron'), kind: 'text' },
      { path: at('every'), kind: 'text' },
      { path: at('timezone'), kind: 'text' },
      { path: at('missed'), kind: 'text' },
    ],
    // Without a time there is no schedule, and what else stands in it has no meaning.
    (changes) => {
      if (mode === 'off') return before === 'off' ? [] : [{ path: [...base], value: null }];
      return isPaused(valueAt(settings, base)) ? [...changes, { path: [...at('enabled')], value: null }] : changes;
    },
  );
  const choose = (next: (typeof modes)[number]) => {
    setChosen(next);
    form.set(at('cron'), next === 'cron' ? textOr(valueAt(settings, at('cron')), '0 3 * * *') : '');
    form.set(at('every'), next === 'every' ? textOr(valueAt(settings, at('every')), '24h') : '');
    if (next === 'every') form.set(at('timezone'), '');
  };
  return (
    <SettingsCard
      title={t('settings.schedule')}
      about={t('settings.scheduleText')}
      form={{
        ...form,
        discard: () => {
          setChosen(null);
          form.discard();
        },
      }}
    >
      <Radio.Group
        aria-label={t('settings.schedule')}
        value={mode}
        onChange={(value) => choose(modes.find((each) => each === value) ?? 'off')}
      >
        <Stack gap="xs">
          {modes.map((each) => (
            <Radio key={each} value={each} label={t(`settings.modes.${each}`)} disabled={form.readOnly} />
          ))}
        </Stack>
      </Radio.Group>
      {mode === 'cron' ? (
        <>
          <TextSetting form={form} path={at('cron')} label={t('settings.cron')} about={t('settings.cronText')} />
          <TextSetting
            form={form}
            path={at('timezone')}
            label={t('settings.timezone')}
            placeholder={textOr(valueAt(settings, ['timezone']), 'UTC')}
          />
          <NextTimes
            cron={form.text(at('cron'))}
            timezone={textOr(form.text(at('timezone')), textOr(valueAt(settings, ['timezone']), 'UTC'))}
          />
        </>
      ) : null}
      {mode === 'every' ? (
        <TextSetting form={form} path={at('every')} label={t('settings.every')} about={t('settings.everyText')} />
      ) : null}
      {mode === 'off' ? null : (
        <ChoiceSetting
          form={form}
          path={at('missed')}
          label={t('settings.missed')}
          data={(['run', 'skip'] as const).map((value) => ({ value, label: t(`settings.missedWays.${value}`) }))}
        />
      )}
    </SettingsCard>
  );
}

/** As the scheduler reads the pattern, which is asked: on days of clock change it is not what every reader of cron makes of it. */
function NextTimes({ cron, timezone }: { cron: string; timezone: string }) {
  const { t, i18n } = useTranslation();
  const [pattern] = useDebouncedValue(cron, 300);
  const [zone] = useDebouncedValue(timezone, 300);
  const { data } = useQuery({
    queryKey: ['times', pattern, zone],
    // With the zone they were asked for: what is being typed may be none.
    queryFn: async ({ signal }) => ({
      ...(await call('GET', '/schedule/times', { query: { cron: pattern, timezone: zone }, signal })),
      zone,
    }),
    placeholderData: keepPreviousData,
    refetchInterval: 60_000,
  });
  if (!data) return null;
  const times = data.times.map((time) => new Date(time));
  return (
    <div role="status">
      {times.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('settings.noTimes')}
        </Text>
      ) : (
        <>
          <Text size="sm">{t('settings.next')}</Text>
          <List size="sm">
            {times.map((time) => (
              <List.Item key={time.getTime()}>{formatExact(time, data.zone, i18n.language)}</List.Item>
            ))}
          </List>
        </>
      )}
    </div>
  );
}

/** Switched off from elsewhere, with all that it says kept. */
function isPaused(schedule: unknown): boolean {
  return valueAt(schedule, ['enabled']) === false;
}

function modeOf(schedule: unknown): (typeof modes)[number] {
  if (isPaused(schedule)) return 'off';
  if (typeof valueAt(schedule, ['cron']) === 'string') return 'cron';
  return valueAt(schedule, ['every']) === undefined ? 'off' : 'every';
}

function textOr(value: unknown, otherwise: string): string {
  return typeof value === 'string' && value.trim() !== '' ? value : otherwise;
}
